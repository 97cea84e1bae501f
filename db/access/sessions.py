"""Logins to the pages: the database knows each, so that one that was ended cannot be used again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from db.ask import Patient, ask, change
from db.records import record_row

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A login that has not ended: of a token as it is now, or of what a JWT said."""

    token_id: str | None
    principal: Mapping[str, Any] | None
    name: str | None
    scopes: tuple[str, ...] | None
    segments: tuple[str, ...] | None
    queues: tuple[str, ...] | None


def begin_session(
    database: Patient,
    session_sha256: bytes,
    *,
    expires_at: datetime,
    token_id: str | None = None,
    principal: Mapping[str, Any] | None = None,
) -> None:
    """Keep a login, and forget those that have ended."""

    def work(connection: Connection[Any]) -> None:
        connection.execute("DELETE FROM access_sessions WHERE expires_at <= now()")
        connection.execute(
            "INSERT INTO access_sessions (session_sha256, token_id, principal, expires_at) VALUES (%s, %s, %s, %s)",
            [session_sha256, token_id, None if principal is None else Jsonb(principal), expires_at],
        )

    database.patiently(work)


def session_of(database: Patient, session_sha256: bytes) -> Session | None:
    """None where there is no such login, it has ended, or its token is no longer good."""
    return next(iter(ask(database, "access/session", record_row(Session), session_sha256=session_sha256)), None)


def end_session(database: Patient, session_sha256: bytes) -> None:
    change(database, "DELETE FROM access_sessions WHERE session_sha256 = %s", [session_sha256])
