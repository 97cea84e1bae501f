"""From a request's token, cookie or address to a principal: the service's only way in."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection

from db.access.sessions import Session, session_of
from db.access.token_text import BEGINNING, Mistyped, parsed
from db.access.tokens import StoredToken, note_use, token_by_id
from db.queries.chosen import RowScope
from service.access import refusals
from service.access.jwts import BadJwt, JwtReader, KeysUnavailable
from service.access.limits import PerMinute, Seen, of_address
from service.access.principal import LOCAL, Principal, Scope

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.areas.access import AccessSettings

log = logging.getLogger(__name__)

COOKIE, SECURE_COOKIE = "earshot_session", "__Host-earshot_session"
"""The latter is kept by a browser only for this very host, and only over TLS (RFC 6265bis, 4.1.3.2)."""
LONGEST_CREDENTIAL = 8192
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""Headers that only a proxy sends."""
WRONG = "wrong tokens from this address"
_NOBODYS = bytes(32)
"""Compared where there is no such token, so that the answer takes as long."""

TOKEN = "token "  # noqa: S105 - stands before the id that is no secret
"""Begins the credential of a principal known by one of our tokens."""

Compare = Callable[[bytes, bytes], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """A login."""

    principal: Principal
    token_id: str | None = None
    """None for a JWT."""
    expires_at_s: float | None = None
    """Of a JWT, seconds since the epoch."""


class Gate:
    """Lets in whoever has a good token, a good JWT or a login made by one; on loopback, where asked to, also others."""

    def __init__(
        self,
        database: Database,
        settings: AccessSettings,
        *,
        local: bool,
        jwts: JwtReader | None = None,
        same: Compare = hmac.compare_digest,
    ) -> None:
        """
        Args:
            local: whether somebody without a token is this machine's user, with every scope. Only where nothing but
                the loopback address is served.
            same: compares two digests in a time that does not depend on them.
        """
        self._database = database
        self.local = local
        self._jwts = jwts
        self._same = same
        self._asked = PerMinute(settings.requests_per_minute, "asked")
        self._wrong = PerMinute(settings.wrong_per_minute, "wrong")
        self._welcome = Seen()

    def admit(self, connection: HTTPConnection) -> Principal:
        """Raises HTTPException: 401 for nobody known, 429 for somebody who asks too often."""
        address = address_of(connection)
        bearer = _bearer(connection)
        if bearer is not None:
            return self.by_token(bearer, address)
        if self.local:
            if any(name in connection.headers for name in FORWARDED):
                raise refusals.unknown(refusals.BEHIND_A_PROXY)
            return replace(LOCAL, address=address)
        if (cookie := cookie_of(connection)) is not None:
            return self._judged(cookie, address, self._of_session)
        raise refusals.unknown(refusals.NOBODY)

    def by_token(self, text: str, address: str | None) -> Principal:
        """The same for a token that came another way, such as in the first message of a WebSocket."""
        if not text.startswith(BEGINNING):
            return self._judged(text, address, self._of_jwt)
        return self._judged(text, address, partial(self._of_token, address=address))

    def login(self, text: str, connection: HTTPConnection) -> Admission:
        """For a login to the pages: whom the token stands for, and until when."""
        principal = self.by_token(text, address_of(connection))
        if principal.credential.startswith(TOKEN):
            return Admission(principal=principal, token_id=principal.credential.removeprefix(TOKEN))
        assert self._jwts is not None  # by_token has just read it
        return Admission(principal=principal, expires_at_s=self._jwts.read(text).expires_at_s)

    def _judged(self, presented: str, address: str | None, find: Callable[[str], Principal]) -> Principal:
        """Whom `find` makes of it. From an address with many wrong ones only what was good before is looked at."""
        key = of_address(address or "")
        known = (key, digest(presented))
        if (wait_s := self._wrong.full(key)) is not None and known not in self._welcome:
            raise refusals.too_many(wait_s, WRONG)
        try:
            found = find(presented)
        except _Refused as refused:
            log.warning("refused %s from %s: %s", refused.who, address, refused.why)
            self._wrong.count(key)
            raise refusals.unknown(refused.why) from None
        self._welcome.add(known)
        if (wait_s := self._asked.count(f"{found.credential} {found.name}")) is not None:
            raise refusals.too_many(wait_s, "requests with this token")
        return replace(found, address=address)

    def _of_token(self, text: str, *, address: str | None) -> Principal:
        try:
            token = parsed(text)
        except Mistyped:
            raise _Refused(refusals.MISTYPED, "a mistyped token") from None
        stored = token_by_id(self._database, token.token_id)
        fits = self._same(_NOBODYS if stored is None else stored.secret_sha256, token.sha256)
        if stored is None or not fits:
            raise _Refused(refusals.NOT_KNOWN, "an unknown token")
        if not stored.good:
            why = refusals.REVOKED if stored.revoked_at is not None else refusals.EXPIRED
            raise _Refused(why, f"token {stored.token_id} ({stored.name})")
        if stored.to_note:
            note_use(self._database, stored.token_id, address)
        return principal_of(stored)

    def _of_jwt(self, text: str) -> Principal:
        if self._jwts is None:
            raise _Refused(refusals.MISTYPED, "what is no token")
        try:
            return self._jwts.read(text).principal
        except BadJwt as error:
            raise _Refused(str(error), "a JWT") from None
        except KeysUnavailable:
            raise refusals.unready("The keys of the issuer cannot be read now (service.access.jwt.keys).") from None

    def _of_session(self, cookie: str) -> Principal:
        session = session_of(self._database, digest(cookie))
        if session is None:
            raise _Refused(refusals.LOGGED_OUT, "a login that has ended")
        if session.principal is not None:
            return from_kept(session.principal)
        return principal_of(session)


class _Refused(Exception):
    """Why, in words for the one who asks, and who that is, for the log; neither holds the token."""

    def __init__(self, why: str, who: str) -> None:
        super().__init__(why)
        self.why = why
        self.who = who


def principal_of(token: StoredToken | Session) -> Principal:
    """Whom a token that is good stands for, or a login made by one."""
    return Principal(
        name=token.name or "",
        scopes=frozenset(map(Scope, token.scopes or ())),
        rows=RowScope(segments=token.segments, queues=token.queues),
        credential=f"{TOKEN}{token.token_id}",
    )


def as_kept(principal: Principal) -> dict[str, Any]:
    """What a login by JWT keeps of it."""
    return {
        "name": principal.name,
        "scopes": sorted(principal.scopes),
        "segments": principal.rows.segments,
        "queues": principal.rows.queues,
    }


def from_kept(kept: Mapping[str, Any]) -> Principal:
    rows = RowScope(segments=_tuple(kept["segments"]), queues=_tuple(kept["queues"]))
    return Principal(name=kept["name"], scopes=frozenset(map(Scope, kept["scopes"])), rows=rows, credential="jwt")


def digest(presented: str) -> bytes:
    """What stands for a random value where it is kept."""
    return hashlib.sha256(presented.encode("utf-8", "surrogatepass")).digest()


def address_of(connection: HTTPConnection) -> str | None:
    """The client's address; behind a proxy that is trusted, the one it names."""
    return connection.client.host if connection.client is not None else None


def cookie_of(connection: HTTPConnection) -> str | None:
    """The login's value; over TLS only that of the cookie that TLS protects."""
    value = connection.cookies.get(SECURE_COOKIE if secure(connection) else COOKIE)
    return value if value and len(value) <= LONGEST_CREDENTIAL else None


def secure(connection: HTTPConnection) -> bool:
    """Whether the question came over TLS."""
    return connection.url.scheme in ("https", "wss")


def _bearer(connection: HTTPConnection) -> str | None:
    """Raises HTTPException for a way of asking that is not understood."""
    header = connection.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip() or len(token) > LONGEST_CREDENTIAL:
        raise refusals.unknown(refusals.MISTYPED)
    return token.strip()


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)
