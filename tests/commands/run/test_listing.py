"""Listing only what is new of a bucket: nothing that an earlier run left is passed over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from commands.run.listing import Listing, listed_whole, next_listing, settle_listing, settled
from db.connection import Database
from db.ledger.listings import SettledListing
from pipeline.config.root import Settings
from pipeline.records import CallFailure, SkippedFile
from pipeline.run.batch import BatchResult
from pipeline.run.planning.plan import Action, Plan, PlannedCall
from pipeline.run.reconcile import COUNTED, Reconciliation
from pipeline.run.tally import Tally
from pipeline.sources.bucket import BucketSource
from tests.db.samples import found
from tests.pipeline.sources.bucket_server import serving
from tests.pipeline.sources.helpers import calls, wav_bytes

MONDAY = datetime(2026, 9, 14, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def settings_with(**more: Any) -> Settings:
    deltas = {"key_dates": "%Y/%m/%d/", "look_back_days": 2, "full_every_days": 7}
    return Settings.model_validate({"input": {"path": "s3://recordings/calls", "deltas": deltas}, **more})


def skipped(reason: str, *, waiting: bool = False) -> SkippedFile:
    return SkippedFile(
        source_uri="s3://recordings/calls/x", file_name="x", size_bytes=1, modified_at=None, reason=reason, message="",
        waiting=waiting,
    )  # fmt: skip


def failure(*, transient: bool) -> CallFailure:
    return CallFailure(
        found=found("a.wav"), run_id="r", stage="fetch", error_type="SourceUnreadable", message="", transient=transient
    )


def result_of(plan: Plan | None = None, failures: tuple[CallFailure, ...] = (), **counts: int) -> BatchResult:
    tally = Tally()
    tally.failures.extend(failures)
    return BatchResult(
        plan=plan or Plan(), tally=tally, identity=None, interrupted=None, recogniser_busy_s=0.0,
        recogniser_span_s=0.0, recogniser_restarts=0, wall_s=1.0,
        reconciliation=Reconciliation(counts={**dict.fromkeys(("found", *COUNTED), 0), **counts}),
    )  # fmt: skip


def a_run(database: Database, settings: Settings, now: datetime, result: BatchResult | None = None) -> Listing:
    listing = next_listing(settings, database, now)
    settle_listing(settings, database, listing, result or result_of())
    return listing


def test_after_a_full_listing_only_the_last_days_are_listed_and_now_and_then_everything(database: Database) -> None:
    settings = settings_with()
    listed = [a_run(database, settings, MONDAY + night * DAY).since for night in range(9)]
    days = [f"2026/09/{day}/" for day in (12, 13, 14, 15, 16, 17)]
    assert listed == ["", *days, "", "2026/09/19/"]


@pytest.mark.parametrize(
    "left",
    [
        result_of(left=1, found=1),
        result_of(found=1),
        result_of(Plan(waiting=[skipped("still_growing", waiting=True)])),
        result_of(Plan(skipped=[skipped("unreadable_archive")])),
        result_of(failures=(failure(transient=True),)),
    ],
    ids=["left", "does not add up", "waiting", "unreadable archive", "failed for now"],
)
def test_what_a_run_left_is_listed_again(database: Database, left: BatchResult) -> None:
    settings = settings_with()
    a_run(database, settings, MONDAY)
    assert a_run(database, settings, MONDAY + DAY, left).since == "2026/09/12/"
    assert a_run(database, settings, MONDAY + 4 * DAY).since == "2026/09/12/", "from where the one before began"
    assert a_run(database, settings, MONDAY + 5 * DAY).since == "2026/09/16/"


def test_a_full_listing_that_left_something_is_made_again(database: Database) -> None:
    settings = settings_with()
    a_run(database, settings, MONDAY, result_of(left=1, found=1))
    assert a_run(database, settings, MONDAY + DAY).since == ""


def test_what_is_wrong_for_good_does_not_hold_it_up(database: Database) -> None:
    settings = settings_with()
    a_run(database, settings, MONDAY, result_of(Plan(skipped=[skipped("bad_archive")]), (failure(transient=False),)))
    assert a_run(database, settings, MONDAY + DAY).since == "2026/09/12/"


@pytest.mark.parametrize(
    "other",
    [
        {"run": {"reprocess": "failed"}},
        {"glossary": {"context_terms_max_chars": 123}},
        {"input": {"path": "s3://recordings/others", "deltas": {"key_dates": "%Y/%m/%d/"}}},
        {"input": {"path": "s3://recordings/calls"}},
        {"input": {"path": "samples/calls", "deltas": {"key_dates": "%Y/%m/%d/"}}},
    ],
    ids=["reprocess", "settings", "input", "off", "folder"],
)
def test_everything_is_listed_where_what_is_known_may_have_to_be_done_again(
    database: Database, other: dict[str, Any]
) -> None:
    a_run(database, settings_with(), MONDAY)
    assert next_listing(settings_with(**other), database, MONDAY + DAY).since == ""


def planned(name: str) -> PlannedCall:
    return PlannedCall(found=found(name), action=Action.NEW)


def test_a_message_may_go_only_when_its_recording_is_settled() -> None:
    done, fails, owed, left, odd = map(planned, ("done.wav", "fails.wav", "owed.wav", "left.wav", "odd.wav"))
    plan = Plan(beyond_limit=[left], skipped=[skipped("other_type")], uris={found("known.wav").source_uri})
    for call in (done, fails, owed, odd):
        plan.add(call)
        plan.uris.add(call.found.source_uri)
    plan.uris.add(left.found.source_uri)
    failed = replace(failure(transient=True), found=fails.found)
    result = result_of(plan, (failed,))
    result.tally.statuses.extend({"source_uri": call.found.source_uri} for call in (done, fails, odd))
    result = replace(result, reconciliation=replace(result.reconciliation, unaccounted=(odd.found.source_uri,)))
    gone = {found(name).source_uri for name in ("done.wav", "known.wav")} | {skipped("other_type").source_uri}
    assert settled(result) == gone


@pytest.mark.parametrize("path", ["s3://recordings/calls", "s3://recordings/calls/"])
def test_a_listing_since_a_day_asks_for_no_older_page(path: str) -> None:
    days = {f"calls/2026/09/{day:02}/a{day}.wav": wav_bytes() for day in range(1, 28)}
    with serving({**days, "calls-old/2026/09/27/b.wav": wav_bytes()}) as bucket:
        s3 = {"endpoint_url": bucket.url, "region": "eu-central-1", "anonymous": True, "addressing": "path"}
        settings = Settings.model_validate({"input": {"path": path, "s3": s3}})
        assert set(calls(BucketSource(settings.input, "2026/09/26/").discover())) == {"a26.wav", "a27.wav"}
        assert len(bucket.requests) == 1


@pytest.mark.parametrize("queued", [False, True])
@pytest.mark.parametrize("in_part", [False, True])
def test_what_a_listing_in_part_or_a_queue_does_not_name_may_be_there(queued: bool, in_part: bool) -> None:
    events = {"queue_url": "https://sqs.eu-central-1.amazonaws.com/1/calls"} if queued else {}
    settings = Settings.model_validate({"input": {"path": "s3://recordings/calls", "events": events}})
    before = SettledListing(settings_hash="x", full_at=MONDAY, settled_at=MONDAY) if in_part else None
    assert listed_whole(settings, Listing(began_at=MONDAY, before=before)) is not (queued or in_part)
