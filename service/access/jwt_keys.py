"""The issuer's public keys: a JWKS (RFC 7517) from a file or an https address, kept and asked for again in bounds."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import httpx
import jwt
from jwt.exceptions import PyJWKError, PyJWTError

from pipeline.masking import excerpt

log = logging.getLogger(__name__)

LONGEST_BYTES = 1_000_000
PATIENCE_S = 10.0
_KTY = {"RS": "RSA", "PS": "RSA", "ES": "EC"}
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


class KeysUnavailable(Exception):
    """There are no keys, and none can be had now."""


class KeySource(Protocol):
    """Where the keys come from."""

    def read(self) -> str:
        """The JWKS. Raises OSError or httpx.HTTPError."""
        ...

    def changed(self) -> bool:
        """Whether there is something new to read, as far as that can be told without asking anybody."""
        ...


class KeyFile:
    """A file; it is read again when it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[int, int] | None = None

    def read(self) -> str:
        self._read = self._stamp()
        return self._path.read_text(encoding="utf-8")

    def changed(self) -> bool:
        try:
            return self._stamp() != self._read
        except OSError:
            return False

    def _stamp(self) -> tuple[int, int]:
        found = self._path.stat()
        return found.st_mtime_ns, found.st_size


class KeyAddress:
    """An address; redirects are not followed, and an answer that does not end is cut off."""

    def __init__(self, address: str) -> None:
        self._address = address

    def read(self) -> str:
        ends = time.monotonic() + PATIENCE_S
        with httpx.stream("GET", self._address, timeout=PATIENCE_S, follow_redirects=False) as answer:
            answer.raise_for_status()
            content = b""
            for part in answer.iter_bytes():
                content += part
                if len(content) > LONGEST_BYTES or time.monotonic() > ends:
                    raise httpx.HTTPError(f"{self._address}: over {LONGEST_BYTES} bytes, or over {PATIENCE_S:.0f} s")
        return content.decode("utf-8")

    def changed(self) -> bool:
        return False


class IssuersKeys:
    """Keys by their `kid`; safe from several threads. While the source is away, the keys at hand are used."""

    def __init__(
        self,
        source: KeySource,
        *,
        kept_s: float,
        wait_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            kept_s: after this time keys are asked for again.
            wait_s: least time between two questions, whatever tokens name.
        """
        self._source = source
        self._kept_s = kept_s
        self._wait_s = wait_s
        self._now = now
        self._lock = threading.Lock()
        self._keys: tuple[Mapping[str, Any], ...] = ()
        self._asked: float | None = None
        self._got: float | None = None

    def key(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key for a token; None where the issuer has no such key.

        Raises KeysUnavailable where no key has ever been read.
        """
        with self._lock:
            old = self._got is None or self._now() - self._got > self._kept_s
            if old or self._source.changed():
                self._ask()
            found = self._found(kid, algorithm)
            if found is None and self._ask():
                found = self._found(kid, algorithm)
            if found is None and self._got is None:
                raise KeysUnavailable
            return found

    def _ask(self) -> bool:
        """Read the keys, unless that was tried a moment ago."""
        if self._asked is not None and self._now() - self._asked < self._wait_s and not self._source.changed():
            return False
        self._asked = self._now()
        try:
            content = json.loads(self._source.read())
            keys = content["keys"]
            if not isinstance(keys, list):
                raise ValueError("`keys` is no list")
        except (OSError, httpx.HTTPError, ValueError, KeyError, TypeError, RecursionError) as error:
            log.warning("keys of JWTs (service.access.jwt.keys) could not be read: %s", excerpt(str(error)))
            return False
        self._keys = tuple(key for key in keys if isinstance(key, dict))
        self._got = self._asked
        return True

    def _found(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """A token without `kid` is meant for the only key that fits; with several it is for none."""
        fitting = [key for key in self._keys if _fits(key, algorithm) and (kid is None or key.get("kid") == kid)]
        if len(fitting) != 1:
            return None
        try:
            return jwt.PyJWK(dict(fitting[0]), algorithm)
        except (PyJWKError, PyJWTError, ValueError, TypeError):
            return None


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    """Whether it is a public key for signatures of this algorithm, by its own words."""
    operations = key.get("key_ops")
    return (
        key.get("kty") == _KTY.get(algorithm[:2])
        and key.get("alg") in (None, algorithm)
        and key.get("use") in (None, "sig")
        and (operations is None or "verify" in operations)
        and (algorithm not in _CURVES or key.get("crv") == _CURVES[algorithm])
    )
