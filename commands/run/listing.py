"""Which recordings a run is offered of those in a bucket, and what the next one need not be offered again.

From where a run lists a bucket whose keys begin with dates (`input.deltas`), and whether the next may begin later.

The place moves on only after a run that left nothing to do: what was left, failed for now or could not be read is
listed again. Everything is listed now and then, and whenever settings have changed. With `input.events` the messages
of what is done are deleted.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from db.ledger.listings import SettledListing, keep_listing, last_listing
from pipeline.config.areas.buckets import in_bucket
from pipeline.config.areas.run import Reprocess
from pipeline.errors import ServiceUnavailable
from pipeline.plurals import counted
from pipeline.run.planning.claimed import work_hash
from pipeline.sources.events.source import EventSource
from pipeline.sources.source import UNREADABLE_ARCHIVE, CallSource, build_source, places

log = logging.getLogger("earshot.run")

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


def offered(settings: Settings, database: Database) -> tuple[Listing, CallSource]:
    """How the input is listed today, and what offers it: a queue's messages, where one is configured.

    Only a run takes messages; whatever else looks at the input lists it. Raises InputUnavailable.
    """
    listing = next_listing(settings, database)
    if settings.input.events.queue_url is not None:
        return listing, EventSource(settings.input)
    return listing, build_source(settings.input, listing.since)


def listed_whole(settings: Settings, listing: Listing) -> bool:
    """Whether what was not offered is not there: neither a part was listed nor a queue named what is new."""
    return listing.before is None and settings.input.events.queue_url is None


def settle(settings: Settings, database: Database, listing: Listing, source: CallSource, result: BatchResult) -> None:
    """After a run, when its rows are stored: what the next one need not be offered again."""
    settle_listing(settings, database, listing, result)
    settle_messages(source, result)


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


def settle_messages(source: CallSource, result: BatchResult) -> None:
    """After a run: delete the messages whose recordings have their rows. A message that stays comes again."""
    if not isinstance(source, EventSource):
        return
    try:
        left = source.settle(settled(result))
    except ServiceUnavailable as error:
        log.warning("messages were not deleted, and come again: %s", error)
        return
    if left:
        log.info("%s come again: what they name is not done", counted(left, "message"))


def close_source(source: CallSource | None) -> None:
    """However the run ended: what is not settled comes again at once."""
    if isinstance(source, EventSource):
        source.close()


def settled(result: BatchResult) -> set[str]:
    """Addresses of all files offered of which this run, or an earlier one, stored what became of them."""
    plan, tally = result.plan, result.tally
    finished = {str(status["source_uri"]) for status in tally.statuses}
    finished |= {item.source_uri for item in tally.skipped_files} | set(tally.kept)
    finished -= {failure.found.source_uri for failure in tally.failures if failure.transient}
    owed = [call for call in plan.to_do if call.found.source_uri not in finished]
    unfinished = {file.source_uri for call in (*owed, *plan.beyond_limit, *plan.undecided) for file in call.found.files}
    skipped = {item.source_uri for item in plan.skipped if item.reason != UNREADABLE_ARCHIVE}
    return (plan.uris | plan.second_files | skipped) - unfinished - set(result.reconciliation.unaccounted)


def _by_date(settings: Settings) -> bool:
    listed = in_bucket(settings.input.path) and settings.input.events.queue_url is None
    return listed and settings.input.deltas.key_dates is not None


def _place(settings: Settings) -> str:
    (address,) = places(settings.input)
    return address


def _left_nothing(result: BatchResult) -> bool:
    plan = result.plan
    return (
        result.adds_up
        and not result.counts["left"]
        and not plan.waiting
        and not any(failure.transient for failure in result.tally.failures)
        and not any(item.reason == UNREADABLE_ARCHIVE for item in plan.skipped)
    )
