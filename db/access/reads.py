"""Who read which call: the audit."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from db.ask import Patient, ask, change
from db.records import record_row

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCall:
    """A row of `call_reads`."""

    read_at: datetime
    reader: str
    credential: str
    what: str
    call_id: str | None
    """None for a call that was heard while it was held, and has no rows yet."""
    live_session: str | None
    file_name: str | None
    """None where the call has been erased."""
    address: str | None


def keep_reads(
    database: Patient,
    call_ids: Sequence[uuid.UUID],
    *,
    reader: str,
    credential: str,
    what: str,
    address: str | None,
) -> None:
    """A row for each call, in one transaction that is on the disk when this returns."""
    change(
        database,
        """INSERT INTO call_reads (reader, credential, what, address, call_id)
           SELECT %s, %s, %s, %s, unnest(%s::uuid[])""",
        [reader, credential, what, address, list(call_ids)],
    )


def keep_live_read(
    database: Patient, session: str, *, reader: str, credential: str, what: str, address: str | None
) -> None:
    """The same for a call that is held."""
    change(
        database,
        "INSERT INTO call_reads (reader, credential, what, address, live_session) VALUES (%s, %s, %s, %s, %s)",
        [reader, credential, what, address, session],
    )


def reads_of(
    database: Patient,
    *,
    call_id: uuid.UUID | None = None,
    reader: str | None = None,
    since: datetime | None = None,
    limit: int = 100,
) -> list[ReadCall]:
    """Newest first."""
    return ask(database, "access/reads", record_row(ReadCall), call_id=call_id, reader=reader, since=since, limit=limit)


def forget_reads(database: Patient, days: int) -> int:
    """Delete what is older; returns how many rows."""
    return database.patiently(
        lambda connection: (
            connection.execute(
                "DELETE FROM call_reads WHERE read_at < now() - make_interval(days => %s)", [days]
            ).rowcount
        )
    )
