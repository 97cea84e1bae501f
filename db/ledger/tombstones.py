"""Marks of erased recordings: enough to know one again, not enough to say which it was."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from psycopg.rows import scalar_row

from pipeline.errors import CallWithdrawn

if TYPE_CHECKING:
    from psycopg import Connection

_FENCE = "hashtextextended('earshot erasure of rows', 0)"
"""Key of the advisory lock that transactions about calls share, and that one which deletes a call has alone. It comes
before any row lock."""
WITHDRAWN = "a call was called off or erased, or its run has ended, while it was worked on: nothing was stored of it"


class Marks:
    """Makes marks with the secret of one database (HMAC-SHA256, RFC 2104)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of_address(self, source_uri: str, size_bytes: int, modified_at: datetime | None, etag: str | None) -> str:
        """Of a recording as a source offers it: another one when the file at this address may be another."""
        stamp = modified_at.astimezone(UTC).isoformat(timespec="microseconds") if modified_at else ""
        return self._mark("address", source_uri, str(size_bytes), stamp, etag or "")

    def of_content(self, audio_sha256: str) -> str:
        """Of a recording's bytes, under whatever name."""
        return self._mark("content", audio_sha256)

    def of_text(self, kind: str, text: str) -> str:
        """Of an id in a receipt."""
        return self._mark(kind, text)

    def _mark(self, *parts: str) -> str:
        content = "\0".join(parts).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, content, hashlib.sha256).hexdigest()


def marks_of(connection: Connection[Any]) -> Marks:
    """Those of the database behind `connection`."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return Marks(bytes(cursor.execute("SELECT key FROM tombstone_key").fetchone()))  # type: ignore[arg-type]


def erased_among(connection: Connection[Any], marks: Iterable[str]) -> frozenset[str]:
    """Those of the marks that stand for something erased."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return frozenset(
            cursor.execute("SELECT mark FROM tombstones WHERE mark = ANY(%s::text[])", [list(marks)]).fetchall()
        )


def is_any_erased(connection: Connection[Any]) -> bool:
    """Whether there are marks at all: making one for every recording of a plan takes longer than asking."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return bool(cursor.execute("SELECT EXISTS (SELECT FROM tombstones)").fetchone())


def set_marks(connection: Connection[Any], marks: Iterable[str]) -> None:
    """From now on these are erased."""
    connection.execute(
        "INSERT INTO tombstones (mark) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", [sorted(set(marks))]
    )


def unset_marks(connection: Connection[Any], marks: Iterable[str]) -> None:
    connection.execute("DELETE FROM tombstones WHERE mark = ANY(%s::text[])", [list(marks)])


def before_storing(connection: Connection[Any]) -> None:
    """Until the end of the transaction nothing is erased: an erasure before it is seen, one after it sees its rows."""
    connection.execute(f"SELECT pg_advisory_xact_lock_shared({_FENCE})".encode())


def before_erasing(connection: Connection[Any]) -> None:
    """Until the end of the transaction nothing about any call is stored."""
    connection.execute(f"SELECT pg_advisory_xact_lock({_FENCE})".encode())


def refuse_erased(connection: Connection[Any], address: str, audio_sha256: str | None, marks: Marks) -> None:
    """For a transaction that began with `before_storing`. Raises CallWithdrawn.

    Args:
        address: mark of the recording's address.
        audio_sha256: of its bytes, where they are known.
    """
    asked = [address, *([marks.of_content(audio_sha256)] if audio_sha256 else [])]
    if erased_among(connection, asked):
        raise CallWithdrawn(WITHDRAWN)
