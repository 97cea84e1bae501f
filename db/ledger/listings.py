"""How far an input that is listed by date is settled: table `listings`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import kwargs_row

from db.ask import answer, change
from db.connection import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledListing:
    """What the table says of one input; times with time zone."""

    settings_hash: str
    full_at: datetime
    settled_at: datetime


def last_listing(database: Database, address: str) -> SettledListing | None:
    query = "SELECT settings_hash, full_at, settled_at FROM listings WHERE place = %s"
    return next(iter(answer(database, query, kwargs_row(SettledListing), [address])), None)


def keep_listing(database: Database, address: str, settled: SettledListing) -> None:
    change(
        database,
        """INSERT INTO listings (place, settings_hash, full_at, settled_at) VALUES (%s, %s, %s, %s)
           ON CONFLICT (place) DO UPDATE SET settings_hash = EXCLUDED.settings_hash,
               full_at = EXCLUDED.full_at, settled_at = EXCLUDED.settled_at""",
        [address, settled.settings_hash, settled.full_at, settled.settled_at],
    )
