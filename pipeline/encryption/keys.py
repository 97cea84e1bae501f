"""Keys that other keys are wrapped with. Each file has a random key of its own; these wrap it (envelope encryption)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import stat
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pipeline.errors import ConfigurationError, ServiceUnavailable, TerminalError, TransientError
from pipeline.outside import AnswerTooLong, limit_boto3

KEY_BYTES = 32
"""AES-256."""
_NONCE_BYTES = 12
_OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO
_KEPT_KEYS = 4096
_LONGEST_ANSWER_BYTES = 1_000_000


class KeyMissing(TransientError):
    """The key a file is encrypted under is not named in the configuration, or cannot be had at the moment."""


class FileDamaged(TerminalError):
    """An encrypted file was changed, cut off or mixed up: nothing of what it holds is returned."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A file's own key, as it stands in the file's header."""

    key_id: str
    """Which key it is wrapped with."""
    material: bytes
    """For a key that never leaves its keeper: the wrapping key, encrypted by it. Empty for others."""
    nonce: bytes
    content: bytes


class Keeper(Protocol):
    """Holds one key, or reaches for it."""

    key_id: str

    def to_wrap(self) -> tuple[bytes, bytes]:
        """A wrapping key, and what gives it back to `to_unwrap`. Raises KeyMissing."""
        ...

    def to_unwrap(self, material: bytes) -> bytes:
        """Raises KeyMissing."""
        ...


class KeyPlaces(Protocol):
    """Where keys are, as `encryption` of the configuration says it: `file:PATH`, `env:NAME`, `kms:KEY`."""

    @property
    def key(self) -> str | None:
        """Of new files."""
        ...

    @property
    def old_keys(self) -> tuple[str, ...]: ...

    @property
    def spool(self) -> bool:
        """Whether decoded samples are to be encrypted."""
        ...

    @property
    def recordings(self) -> bool:
        """Whether the recordings that the service keeps are to be encrypted."""
        ...


class LocalKey:
    """A key that this process holds."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        digest = hashlib.sha256(b"earshot key id" + key).hexdigest()
        self.key_id = f"sha256:{digest[:16]}"
        """Tells the key from others, and nothing of the key."""

    def to_wrap(self) -> tuple[bytes, bytes]:
        return self._key, b""

    def to_unwrap(self, material: bytes) -> bytes:  # noqa: ARG002 - it is here
        return self._key


class KeyInKms:
    """A key of AWS KMS. Asked once for a wrapping key that this process then uses, and once per other one it meets."""

    def __init__(self, key_id: str, client: Any = None) -> None:
        """`client`: boto3's of KMS; by default one is made when it is needed."""
        self.key_id = f"kms:{key_id}"
        self._name = key_id
        self._client = client
        self._lock = threading.Lock()
        self._own: tuple[bytes, bytes] | None = None
        self._known: dict[bytes, bytes] = {}

    def to_wrap(self) -> tuple[bytes, bytes]:
        with self._lock:
            if self._own is None:
                made = self._ask("generate_data_key", KeySpec="AES_256")
                self._own = made["Plaintext"], made["CiphertextBlob"]
            return self._own

    def to_unwrap(self, material: bytes) -> bytes:
        with self._lock:
            if material not in self._known:
                if len(self._known) >= _KEPT_KEYS:
                    self._known.clear()
                self._known[material] = self._ask("decrypt", CiphertextBlob=material)["Plaintext"]
            return self._known[material]

    def _ask(self, operation: str, **parameters: Any) -> Any:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            if self._client is None:
                limits = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 3, "mode": "standard"})
                self._client = boto3.client("kms", config=limits)
                limit_boto3(self._client, _LONGEST_ANSWER_BYTES)
            return getattr(self._client, operation)(KeyId=self._name, **parameters)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            raise KeyMissing(f"{self.key_id}: KMS refuses ({code}); check the key's policy and this login") from error
        except AnswerTooLong as error:
            raise KeyMissing(f"{self.key_id}: {error}") from error
        except BotoCoreError as error:
            raise ServiceUnavailable(f"{self.key_id}: KMS cannot be asked: {type(error).__name__}") from error


class KeyRing:
    """The key for new files, and those that may still be met."""

    def __init__(self, current: Keeper | None, old: Sequence[Keeper] = ()) -> None:
        """`current` is for new files; None where none are encrypted."""
        self._first = current
        known = [*old, current] if current is not None else old
        self._keepers: Mapping[str, Keeper] = {keeper.key_id: keeper for keeper in known}
        self._lock = threading.Lock()
        self._unwrapped: dict[WrappedKey, bytes] = {}

    @property
    def key_id(self) -> str | None:
        """Of the key for new files."""
        return self._first.key_id if self._first else None

    def wrap(self, key: bytes, context: bytes) -> WrappedKey:
        """`context` is bound to the result. Raises KeyMissing."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if self._first is None:
            raise KeyMissing("no key to encrypt with is set (encryption.key)")
        wrapping, material = self._first.to_wrap()
        nonce = os.urandom(_NONCE_BYTES)
        return WrappedKey(self._first.key_id, material, nonce, AESGCM(wrapping).encrypt(nonce, key, context))

    def unwrap(self, wrapped: WrappedKey, context: bytes) -> bytes:
        """Raises KeyMissing, FileDamaged."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        with self._lock:
            known = self._unwrapped.get(wrapped)
        if known is not None:
            return known
        keeper = self._keepers.get(wrapped.key_id)
        if keeper is None:
            raise KeyMissing(
                f"encrypted under the key {wrapped.key_id}, which neither encryption.key nor encryption.old_keys names"
            )
        try:
            key = AESGCM(keeper.to_unwrap(wrapped.material)).decrypt(wrapped.nonce, wrapped.content, context)
        except (InvalidTag, ValueError):
            raise FileDamaged(f"its own key, wrapped with {wrapped.key_id}, was changed") from None
        with self._lock:
            if len(self._unwrapped) >= _KEPT_KEYS:
                self._unwrapped.clear()
            self._unwrapped[wrapped] = key
        return key


def key_ring(places: KeyPlaces) -> KeyRing:
    """Raises ConfigurationError where a key is not there or is none."""
    return KeyRing(_keeper(places.key) if places.key else None, [_keeper(key) for key in places.old_keys])


def _keeper(key: str) -> Keeper:
    kind, _, name = key.partition(":")
    if kind == "kms":
        return KeyInKms(name)
    if kind == "file":
        return LocalKey(parsed_key(_read(Path(name)), name))
    text = os.environ.get(name)
    if text is None:
        raise ConfigurationError(f"encryption: the environment variable {name} is not set")
    return LocalKey(parsed_key(text, name))


def _read(path: Path) -> str:
    try:
        if path.stat().st_mode & _OTHERS_MAY:
            raise ConfigurationError(f"encryption: others may read the key in {path}; `chmod 600 {path}`")
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise ConfigurationError(
            f"encryption: the key in {path} cannot be read: {why}; `python run.py keys make {path}` makes a new one"
        ) from None


def parsed_key(text: str, where: str) -> bytes:
    """Raises ConfigurationError, without quoting the text."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"encryption: {where} holds no key; a key is {KEY_BYTES} bytes in base64")
    return key


def new_key() -> str:
    """A random key as `parsed_key` reads it."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode("ascii")
