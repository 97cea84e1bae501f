"""Tokens of the company's own issuer (JWT, RFC 7519): from claims to a principal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
from jwt.exceptions import ExpiredSignatureError, ImmatureSignatureError, InvalidAudienceError, PyJWTError

from db.queries.chosen import RowScope
from service.access.jwt_keys import IssuersKeys, KeysUnavailable
from service.access.principal import Principal, Scope

if TYPE_CHECKING:
    from pipeline.config.areas.access import JwtSettings

LONGEST_CHARS = 8192
LONGEST_NAME = 200
JWT = "jwt"
"""Stands before the names of principals, so that none has the name of a token."""


class BadJwt(Exception):
    """Why a JWT is not accepted, in words for the one who sent it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What a JWT says."""

    principal: Principal
    expires_at_s: float
    """Seconds since the epoch."""


class JwtReader:
    """Checks signatures and claims by the configuration; what a token says of its own signature decides nothing."""

    def __init__(self, settings: JwtSettings, keys: IssuersKeys | bytes) -> None:
        """
        Args:
            keys: the issuer's public keys, or the shared secret of HS….
        """
        self._settings = settings
        self._keys = keys

    def read(self, text: str) -> Accepted:
        """Raises BadJwt, and KeysUnavailable where the issuer's keys cannot be had."""
        if len(text) > LONGEST_CHARS:
            raise BadJwt("This JWT is too long.")
        settings = self._settings
        try:
            header = jwt.get_unverified_header(text)
            algorithm = str(header.get("alg"))
            if algorithm not in settings.algorithms:
                raise BadJwt("This JWT is signed with an algorithm that is not accepted here.")
            claims = jwt.decode(
                text,
                self._key(header, algorithm),
                algorithms=[algorithm],
                issuer=settings.issuer,
                audience=settings.audience,
                leeway=settings.leeway_s,
                options={"require": ["exp", "iss", "aud", settings.name_claim], "enforce_minimum_key_length": True},
            )
        except ExpiredSignatureError:
            raise BadJwt("This JWT has expired. Get a new one.") from None
        except ImmatureSignatureError:
            raise BadJwt("This JWT is not valid yet.") from None
        except InvalidAudienceError:
            raise BadJwt("This JWT is meant for another audience.") from None
        except (PyJWTError, ValueError, TypeError, RecursionError):
            why = "it is incomplete, from another issuer, or not signed by the issuer"
            raise BadJwt(f"This JWT is not accepted: {why}.") from None
        return Accepted(principal=self._principal(claims), expires_at_s=float(claims["exp"]))

    def _key(self, header: Mapping[str, Any], algorithm: str) -> jwt.PyJWK | bytes:
        if isinstance(self._keys, bytes):
            return self._keys
        key = self._keys.key(header.get("kid"), algorithm)
        if key is None:
            raise BadJwt("This JWT is signed with a key that the issuer does not publish.")
        return key

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        settings = self._settings
        name = claims[settings.name_claim]
        if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
            raise BadJwt(f"The claim `{settings.name_claim}` of this JWT is no name.")
        words = _words(claims.get(settings.scope_claim)) or ()
        scopes = frozenset(Scope(settings.scopes[word]) for word in words if word in settings.scopes)
        rows = RowScope(segments=_rows(claims, settings.segments_claim), queues=_rows(claims, settings.queues_claim))
        return Principal(name=f"{JWT}:{name}", scopes=scopes, rows=rows, credential=JWT)


def _rows(claims: Mapping[str, Any], claim: str | None) -> tuple[str, ...] | None:
    """Values a row may have; None for any. A claim that is missing allows none."""
    if claim is None:
        return None
    given = claims.get(claim)
    values = (given,) if isinstance(given, str) else _words(given) or ()
    return None if "*" in values else values


def _words(value: object) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return tuple(value.split())
    if isinstance(value, list):
        return tuple(entry for entry in value if isinstance(entry, str))
    return None


__all__ = ["Accepted", "BadJwt", "JwtReader", "KeysUnavailable"]
