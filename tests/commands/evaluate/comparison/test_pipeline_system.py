"""The store of a comparison: what it keeps of each call, and that it knows nothing of earlier ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from commands.evaluate.comparison.kept import KeptTranscripts
from commands.evaluate.comparison.pipeline_system import (
    ComparisonStore,
    Observer,
    ProcessorSeconds,
    one_call_after_the_other,
)
from commands.evaluate.comparison.running import CallsWithTruth
from pipeline.config.root import Settings
from pipeline.records import CallFailure, CallOutcome, CallStatus, Claim, FoundCall, SkippedFile, Transcript
from pipeline.run.performance import PerformanceRecorder, ResourceSample
from tests.db.samples import found, prepared, transcript

CALLS = {name: found(f"{name}.wav") for name in ("good", "failed", "empty", "other")}


class Source:
    """Recordings that nobody reads."""

    def discover(self) -> Iterator[FoundCall | SkippedFile]:
        yield from CALLS.values()
        yield CALLS["other"].skipped("empty", "no bytes")

    def fetch(self, call: FoundCall, spool: Path) -> AbstractContextManager[Path]:
        raise AssertionError(f"{call.file_name} is asked for in {spool}")


def store_in(
    folder: Path,
    stored: dict[str, Transcript] | None = None,
    *,
    fresh: bool = False,
    samples: Sequence[tuple[float, int]] = ((0.0, 300), (1.0, 500), (2.0, 400)),
) -> ComparisonStore:
    source = CallsWithTruth(Source(), frozenset({"good", "failed", "empty"}))
    assert [call.file_name for call in source.discover()] == ["good.wav", "failed.wav", "empty.wav"]
    recorder = PerformanceRecorder()
    recorder.samples += [
        ResourceSample(at_s=at_s, memory_bytes=memory, cpu_percent=0.0, queues={}) for at_s, memory in samples
    ]
    stored = stored or {}
    return ComparisonStore(source, KeptTranscripts(folder), stored.get, recorder, "a machine", fresh=fresh)


def claimed(store: ComparisonStore) -> Claim:
    store.claims.enqueue("run", {"good": '"good"'})
    (claim,) = store.claims.claim("run", 1)
    return claim


def outcome(made: Transcript | None, claim: Claim | None = None) -> CallOutcome:
    return CallOutcome(
        call_id="good", found=CALLS["good"], status=CallStatus.DONE, run_id="run", prepared=prepared(flags=("mono",)),
        transcript=made, steps=(), timings_s={"recognise": 2.5, "decode": 9.0}, claim=claim,
    )  # fmt: skip


def test_a_new_transcript_is_kept_with_its_effort_and_used_again(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    assert store.transcript("f1") is None
    claim = claimed(store)
    store.save_transcript(transcript(), "aa")
    assert store.save_call(outcome(transcript(), claim)) is True
    assert store.claims.left("run") == 0
    (made,) = store.result.calls.values()
    assert (made.reused, made.heard.name, made.heard.duration_s, made.heard.flags) == (False, "good", 12.0, ("mono",))
    effort = made.effort
    assert effort is not None
    assert (effort.audio_s, effort.wall_s, effort.peak_memory_bytes, effort.machine) == (12.0, 2.5, 500, "a machine")
    assert datetime.fromisoformat(effort.made_at).tzinfo == UTC
    assert len(effort.made_at) == len("2026-11-28T01:40:00+00:00")

    again = store_in(tmp_path)
    assert again.transcript("f1") == transcript()
    assert again.save_call(outcome(transcript())) is True
    (used,) = again.result.calls.values()
    assert used == replace(made, reused=True)
    assert store_in(tmp_path, {"f1": transcript()}, fresh=True).transcript("f1") is None


def test_a_stored_transcript_has_no_effort_and_is_not_kept(tmp_path: Path) -> None:
    store = store_in(tmp_path, {"f1": transcript()})
    assert store.transcript("f1") == transcript()
    assert store.transcript("f2") is None
    assert store.save_call(outcome(transcript())) is True
    (used,) = store.result.calls.values()
    assert (used.effort, used.reused) == (None, True)
    assert not list(tmp_path.iterdir())


def test_without_a_sample_no_memory_is_known(tmp_path: Path) -> None:
    store = store_in(tmp_path, samples=())
    store.save_transcript(transcript(), "aa")
    store.save_call(outcome(transcript()))
    (made,) = store.result.calls.values()
    assert made.effort is not None
    assert made.effort.peak_memory_bytes == 0


def test_what_a_run_tells_goes_to_the_terminal_and_its_notices_to_the_report(tmp_path: Path) -> None:
    result, told = store_in(tmp_path).result, []
    observer = Observer(result, lambda *finished: told.append(finished))
    observer.planned(3, 10)
    observer.call_finished(CALLS["failed"], CallStatus.FAILED, "why")
    observer.notice("the recogniser was started again")
    assert told == [(CALLS["failed"], CallStatus.FAILED, "why")]
    assert result.notices == ["the recogniser was started again"]


@pytest.mark.parametrize("missing", ["transcript", "prepared"])
def test_a_call_without_a_transcript_changes_nothing(tmp_path: Path, missing: str) -> None:
    store = store_in(tmp_path)
    without: Any = {missing: None}
    assert store.save_call(replace(outcome(transcript(), claimed(store)), **without)) is False
    assert not store.result.calls
    assert store.claims.left("run") == 0


def test_calls_that_fail_and_files_that_are_none_are_told_by_their_names(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    failure = CallFailure(
        found=CALLS["failed"], run_id="run", stage="decode", error_type="E", message="cannot be decoded",
        transient=True, claim=claimed(store),
    )  # fmt: skip
    assert store.save_failure(failure, 1) is False
    assert store.claims.left("run") == 0
    store.save_skipped([CALLS["empty"].skipped("empty", "no bytes")], "run", claimed(store))
    assert store.claims.left("run") == 0
    assert store.result.failures == {"failed": "cannot be decoded", "empty": "no bytes"}


def test_it_knows_nothing_of_earlier_runs(tmp_path: Path) -> None:
    store, call = store_in(tmp_path), CALLS["good"]
    assert store.begin_run({}, "hash", "host") == "comparison"
    assert store.claim_call(call, "aa", None) == call.source_uri
    assert store.is_erased(call, "aa") is False
    nothing: list[Any] = [
        store.known_calls([call.source_uri]), store.erased([call]), store.known_by_content("aa"),
        store.finished_segments("f1"), store.step_results("good", "f1"), store.undelivered(), store.disappeared("", []),
        store.outcomes([call.source_uri], "run"),
    ]  # fmt: skip
    assert [list(one) for one in nothing] == [[]] * len(nothing)


@dataclass(frozen=True, slots=True)
class Spent:
    user: float
    system: float


@dataclass(frozen=True, slots=True)
class Process:
    """`spent` is None of one that has just ended."""

    pid: int
    spent: Spent | None

    def cpu_times(self) -> Spent:
        if self.spent is None:
            raise psutil.NoSuchProcess(self.pid)
        return self.spent


def test_processor_seconds_count_from_the_last_look_on_also_beside_a_process_that_has_ended() -> None:
    looks = [
        [Process(7, None), Process(1, Spent(2.0, 0.5)), Process(2, Spent(4.0, 1.0)), Process(3, Spent(0.25, 0.0))],
        [Process(7, None), Process(1, Spent(3.0, 1.0)), Process(2, Spent(4.0, 1.0)), Process(3, Spent(0.5, 0.0))],
        [Process(2, Spent(5.0, 1.0))],
    ]
    spent = ProcessorSeconds(lambda: cast("list[psutil.Process]", looks.pop(0)))
    assert [spent.since_last(1), spent.since_last(1), spent.since_last(None)] == [(2.5, 5.25), (1.5, 0.25), (0.0, 1.0)]


def test_what_a_call_takes_is_its_own_and_all_are_heard() -> None:
    """Another call's segments would be among its seconds; limits of a night are none of a comparison."""
    run = {"segments_per_batch": 8, "decode_workers": 3, "calls_ahead": 5, "limit": 2, "max_hours": 1.0,
           "stop_time": "06:00", "stop_grace_s": 60.0, "analysis_workers": 2}  # fmt: skip
    settings = Settings.model_validate({"run": run})
    found = one_call_after_the_other(settings)
    changed = {"segments_per_batch": 1, "decode_workers": 1, "calls_ahead": 1, "limit": None,
               "max_hours": None, "stop_time": None, "stop_grace_s": 0.0}  # fmt: skip
    assert found.run == settings.run.model_copy(update=changed)
    assert found.model_copy(update={"run": settings.run}) == settings
