"""Tokens of the service: what is kept of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg.errors import UniqueViolation

from db.ask import Patient, ask, change
from db.records import record_row
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token to be kept; its columns are described in the table."""

    token_id: str
    name: str
    secret_sha256: bytes
    scopes: tuple[str, ...]
    segments: tuple[str, ...] | None = None
    queues: tuple[str, ...] | None = None
    note: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken(NewToken):
    """A row of `access_tokens`."""

    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str | None
    expired: bool
    """By the database's clock."""
    to_note: bool
    """Whether its use has not been noted for a minute."""

    @property
    def good(self) -> bool:
        return self.revoked_at is None and not self.expired


def keep_token(database: Patient, token: NewToken) -> None:
    """Raises ConfigurationError where another good token has this name."""
    try:
        change(
            database,
            """INSERT INTO access_tokens (token_id, name, secret_sha256, scopes, segments, queues, note, expires_at)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s)""",
            [
                token.token_id, token.name, token.secret_sha256, list(token.scopes),
                None if token.segments is None else list(token.segments),
                None if token.queues is None else list(token.queues), token.note, token.expires_at,
            ],
        )  # fmt: skip
    except UniqueViolation:
        raise ConfigurationError(
            f"tokens: there is a token `{token.name}` already; choose another name, or revoke that one first"
        ) from None


def token_by_id(database: Patient, token_id: str) -> StoredToken | None:
    return next(iter(ask(database, "access/token", record_row(StoredToken), token_id=token_id)), None)


def all_tokens(database: Patient) -> list[StoredToken]:
    """Those that are good first, by age."""
    return ask(database, "access/tokens", record_row(StoredToken))


def revoke_token(database: Patient, name_or_id: str) -> str | None:
    """End a token at once, with the logins made by it; returns its id, None where no good token has that name or id."""

    def work(connection: Connection[Any]) -> str | None:
        row = connection.execute(
            """UPDATE access_tokens SET revoked_at = now()
               WHERE revoked_at IS NULL AND (name = %(it)s OR token_id = %(it)s) RETURNING token_id""",
            {"it": name_or_id},
        ).fetchone()
        if row is None:
            return None
        connection.execute("DELETE FROM access_sessions WHERE token_id = %s", [row[0]])
        return str(row[0])

    return database.patiently(work)


def note_use(database: Patient, token_id: str, address: str | None) -> None:
    """Say that a token is in use. A power cut may undo the last half second of it."""
    change(
        database,
        "UPDATE access_tokens SET last_used_at = now(), last_used_from = %s WHERE token_id = %s",
        [address, token_id],
        lasting=False,
    )
