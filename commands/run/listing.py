"""From where a run lists a bucket whose keys begin with dates (`input.deltas`), and whether the next may begin later.

The place moves on only after a run that left nothing to do: what was left, failed for now or could not be read is
listed again. Everything is listed now and then, and whenever settings have changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from db.ledger.listings import SettledListing, keep_listing, last_listing
from pipeline.config.areas.buckets import in_bucket
from pipeline.config.areas.run import Reprocess
from pipeline.run.planning.claimed import work_hash
from pipeline.sources.source import UNREADABLE_ARCHIVE, places

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.root import Settings
    from pipeline.run.batch import BatchResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """How the input of a run is listed."""

    began_at: datetime
    before: SettledListing | None = None
    """What earlier runs settled; None: everything is listed."""
    since: str = ""
    """How the first keys below the input begin that are listed; empty for all."""

    @property
    def notice(self) -> str | None:
        if self.before is None:
            return None
        return f"listed from {self.since} on; everything was listed on {self.before.full_at:%Y-%m-%d}"


def next_listing(settings: Settings, database: Database, now: datetime | None = None) -> Listing:
    """How to list the input today."""
    now = now or datetime.now(UTC)
    deltas = settings.input.deltas
    if not _by_date(settings) or settings.run.reprocess is not Reprocess.NONE:
        return Listing(began_at=now)
    before = last_listing(database, _place(settings))
    if before is None or before.settings_hash != work_hash(settings):
        return Listing(began_at=now)
    if now - before.full_at >= timedelta(days=deltas.full_every_days):
        return Listing(began_at=now)
    first_day = before.settled_at.astimezone(UTC) - timedelta(days=deltas.look_back_days)
    return Listing(began_at=now, before=before, since=first_day.strftime(deltas.key_dates or ""))


def settle_listing(settings: Settings, database: Database, listing: Listing, result: BatchResult) -> None:
    """After a run: write down how far its input is settled."""
    if not _by_date(settings) or not _left_nothing(result):
        return
    full_at = listing.began_at if listing.before is None else listing.before.full_at
    settled = SettledListing(settings_hash=work_hash(settings), full_at=full_at, settled_at=listing.began_at)
    keep_listing(database, _place(settings), settled)


def _by_date(settings: Settings) -> bool:
    return settings.input.deltas.key_dates is not None and in_bucket(settings.input.path)


def _place(settings: Settings) -> str:
    (place,) = places(settings.input)
    return place


def _left_nothing(result: BatchResult) -> bool:
    plan = result.plan
    return (
        result.adds_up
        and not result.counts["left"]
        and not plan.waiting
        and not any(failure.transient for failure in result.tally.failures)
        and not any(item.reason == UNREADABLE_ARCHIVE for item in plan.skipped)
    )
