"""The account at the end of a run: it adds up only when the database has an answer for every recording."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import CallMetadata, CallStatus, FoundCall, SkippedFile, StoredOutcome
from pipeline.run.planning.plan import Action, Plan, PlannedCall
from pipeline.run.reconcile import COUNTED, Reconciliation, addresses, reconcile
from pipeline.run.tally import Tally

AT = datetime(2026, 9, 14, tzinfo=UTC)
DONE, FAILED, SKIPPED = CallStatus.DONE, CallStatus.FAILED, CallStatus.SKIPPED
TRANSCRIBED, QUARANTINED = CallStatus.TRANSCRIBED, CallStatus.QUARANTINED


def found(name: str) -> FoundCall:
    return FoundCall(
        source_uri=f"file:///calls/{name}", file_name=name, size_bytes=1, modified_at=AT, etag=None,
        metadata=CallMetadata(),
    )  # fmt: skip


def skipped(name: str, reason: str = "too_small", waiting: bool = False) -> SkippedFile:
    return SkippedFile(
        source_uri=f"file:///calls/{name}", file_name=name, size_bytes=1, modified_at=AT, reason=reason,
        message=reason, waiting=waiting,
    )  # fmt: skip


def row(status: CallStatus, by_this_run: bool = True, failing: bool = False) -> StoredOutcome:
    return StoredOutcome(status=status, by_this_run=by_this_run, failing=failing)


def plan_of(*to_do: str, unchanged: tuple[str, ...] = (), quarantined: tuple[str, ...] = ()) -> Plan:
    plan = Plan()
    for names, action in ((to_do, Action.NEW), (unchanged, Action.UNCHANGED), (quarantined, Action.QUARANTINED)):
        for name in names:
            plan.uris.add(found(name).source_uri)
            plan.add(PlannedCall(found=found(name), action=action))
    return plan


def tally_of(
    done: int = 0, failed: int = 0, skipped_now: tuple[SkippedFile, ...] = (), kept: tuple[str, ...] = ()
) -> Tally:
    tally = Tally(done=done, failed=failed, skipped=len(skipped_now), skipped_files=list(skipped_now))
    tally.kept = [found(name).source_uri for name in kept]
    return tally


def at(rows: dict[str, StoredOutcome]) -> dict[str, StoredOutcome]:
    return {f"file:///calls/{name}": one for name, one in rows.items()}


def counted(account: Reconciliation) -> dict[str, int]:
    return {name: number for name, number in account.counts.items() if number and name != "found"}


@pytest.mark.parametrize(
    ("stored", "tally", "expected"),
    [
        (row(DONE), tally_of(done=1), "done"),
        (row(FAILED, failing=True), tally_of(failed=1), "failed"),
        (row(QUARANTINED, failing=True), tally_of(failed=1), "failed"),
        (row(DONE, failing=True), tally_of(failed=1), "failed"),
        (row(SKIPPED), tally_of(skipped_now=(skipped("a.wav"),)), "skipped"),
        (row(SKIPPED, by_this_run=False), tally_of(skipped_now=(skipped("a.wav"),)), "skipped"),
        (row(DONE, by_this_run=False), tally_of(kept=("a.wav",)), "unchanged"),
        (row(QUARANTINED, by_this_run=False), tally_of(kept=("a.wav",)), "unchanged"),
    ],
)
def test_a_call_worked_on_counts_as_what_its_row_says(stored: StoredOutcome, tally: Tally, expected: str) -> None:
    account = reconcile(plan_of("a.wav"), tally, at({"a.wav": stored}), interrupted=False)
    assert counted(account) == {expected: 1}
    assert account.adds_up, account.faults


@pytest.mark.parametrize(
    "stored", [None, row(TRANSCRIBED), row(DONE, by_this_run=False), row(FAILED, by_this_run=False)]
)
def test_a_call_the_stages_lost_is_missed_unless_the_run_was_stopped(stored: StoredOutcome | None) -> None:
    rows = at({"a.wav": stored} if stored else {})
    lost = reconcile(plan_of("a.wav"), tally_of(), rows, interrupted=False)
    assert not lost.adds_up
    assert lost.unaccounted == ("file:///calls/a.wav",)
    assert lost.faults[0] == "found 1, accounted for 0"
    stopped = reconcile(plan_of("a.wav"), tally_of(), rows, interrupted=True)
    assert counted(stopped) == {"left": 1}
    assert stopped.adds_up


def test_a_call_counted_as_done_without_a_row_is_told() -> None:
    """The stages' count cannot vouch for itself: `found` used to be the sum of whatever they counted."""
    account = reconcile(plan_of("a.wav", "b.wav"), tally_of(done=2), at({"a.wav": row(DONE)}), interrupted=False)
    assert not account.adds_up
    assert account.disagreements == ("the stages counted 2 done, the database holds 1",)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [(row(DONE, False), "unchanged"), (row(SKIPPED, False), "skipped"), (row(QUARANTINED, False), "quarantined"),
     (row(FAILED, False), "quarantined"), (None, None)],
)  # fmt: skip
def test_a_call_left_alone_must_still_be_there(stored: StoredOutcome | None, expected: str | None) -> None:
    plan = plan_of(unchanged=("a.wav",))
    if stored is not None and stored.status is SKIPPED:
        plan.skipped_before, plan.unchanged = [PlannedCall(found=found("a.wav"), action=Action.SKIPPED)], 0
    account = reconcile(plan, tally_of(), at({"a.wav": stored} if stored else {}), interrupted=False)
    assert counted(account) == ({expected: 1} if expected else {})
    assert account.adds_up is (expected is not None)


def test_calls_beyond_the_limit_wait_for_a_later_run() -> None:
    plan = plan_of("a.wav", "b.wav")
    plan.beyond_limit, plan.to_do = plan.to_do[1:], plan.to_do[:1]
    account = reconcile(plan, tally_of(done=1), at({"a.wav": row(DONE), "b.wav": row(DONE, False)}), interrupted=False)
    assert counted(account) == {"done": 1, "left": 1}
    assert account.adds_up


def test_files_passed_over_need_a_row_only_where_they_are_recordings() -> None:
    plan = plan_of()
    plan.skipped = [skipped("notes.txt", "other_type"), skipped("empty.wav", "empty")]
    plan.waiting = [skipped("growing.wav", "growing", waiting=True)]
    assert addresses(plan) == ["file:///calls/empty.wav"]
    account = reconcile(plan, tally_of(), at({"empty.wav": row(SKIPPED)}), interrupted=False)
    assert counted(account) == {"skipped": 2, "waiting": 1}
    assert account.adds_up
    assert reconcile(plan, tally_of(), {}, interrupted=False).unaccounted == ("file:///calls/empty.wav",)


FATES = st.sampled_from(["done", "failed", "lost", "unchanged", "quarantined"])


@given(fates=st.lists(FATES, max_size=30))
def test_the_account_adds_up_exactly_when_nothing_is_lost(fates: list[str]) -> None:
    names = {f"{i}.wav": fate for i, fate in enumerate(fates)}
    of = {fate: tuple(name for name, one in names.items() if one == fate) for fate in set(fates)}
    plan = plan_of(
        *of.get("done", ()), *of.get("failed", ()), *of.get("lost", ()),
        unchanged=of.get("unchanged", ()), quarantined=of.get("quarantined", ()),
    )  # fmt: skip
    rows = {"done": row(DONE), "failed": row(FAILED, failing=True), "unchanged": row(DONE, False),
            "quarantined": row(QUARANTINED, False)}  # fmt: skip
    stored = at({name: rows[fate] for name, fate in names.items() if fate in rows})
    tally = tally_of(done=len(of.get("done", ())), failed=len(of.get("failed", ())))
    account = reconcile(plan, tally, stored, interrupted=False)
    assert account.adds_up is ("lost" not in fates)
    assert {name: account.counts[name] for name in COUNTED} == {
        **dict.fromkeys(COUNTED, 0), **{fate: len(of[fate]) for fate in of if fate != "lost"}
    }  # fmt: skip
