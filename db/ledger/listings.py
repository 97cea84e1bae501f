"""How far an input that is listed by date is settled: table `listings`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from db.connection import Database

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledListing:
    """What the table says of one input; times with time zone."""

    settings_hash: str
    full_at: datetime
    settled_at: datetime


def last_listing(database: Database, place: str) -> SettledListing | None:
    def work(connection: Connection[Any]) -> SettledListing | None:
        row = connection.execute(
            "SELECT settings_hash, full_at, settled_at FROM listings WHERE place = %s", [place]
        ).fetchone()
        return None if row is None else SettledListing(settings_hash=row[0], full_at=row[1], settled_at=row[2])

    return database.patiently(work)


def keep_listing(database: Database, place: str, settled: SettledListing) -> None:
    def work(connection: Connection[Any]) -> None:
        connection.execute(
            """INSERT INTO listings (place, settings_hash, full_at, settled_at) VALUES (%s, %s, %s, %s)
               ON CONFLICT (place) DO UPDATE SET settings_hash = EXCLUDED.settings_hash,
                   full_at = EXCLUDED.full_at, settled_at = EXCLUDED.settled_at""",
            [place, settled.settings_hash, settled.full_at, settled.settled_at],
        )

    database.patiently(work)
