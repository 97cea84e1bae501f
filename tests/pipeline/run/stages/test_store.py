"""The last stage: what is written of each call, and who is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from commands.evaluate.comparison.claims_in_memory import ClaimsInMemory
from pipeline.config.areas.run import RunSettings
from pipeline.errors import CallWithdrawn, ClaimLost, DatabaseUnavailable
from pipeline.handled import Handled, HandledAs
from pipeline.records import (
    CallFailure,
    CallOutcome,
    CallStatus,
    Claim,
    EngineIdentity,
    FoundCall,
    SkippedFile,
    StepResult,
    StepState,
    Transcript,
)
from pipeline.run.context import BatchParts, RunContext
from pipeline.run.desk import Desk
from pipeline.run.performance import PerformanceRecorder
from pipeline.run.planning.plan import Action, PlannedCall
from pipeline.run.signals import RunSignals
from pipeline.run.stages.store import StoreStage
from pipeline.run.stages.work import Finished, Kept, StageQueue, Unusable, Work
from pipeline.run.tally import Tally
from tests.pipeline.run.stages.test_recognise import found_call


class Store:
    """Keeps what it is given; raises what stands for the file's name."""

    def __init__(self, errors: dict[str, Exception]) -> None:
        self._errors = errors
        self.calls: list[CallOutcome] = []
        self.failures: list[CallFailure] = []
        self.skipped: list[str] = []

    def save_call(self, outcome: CallOutcome) -> bool:
        self._raise(outcome.found.file_name)
        self.calls.append(outcome)
        return True

    def save_failure(self, failure: CallFailure, quarantine_after_runs: int) -> bool:
        self._raise(f"failure of {failure.found.file_name}")
        self.failures.append(failure)
        return False

    def save_skipped(self, files: Sequence[SkippedFile], run_id: str, claim: Claim | None = None) -> None:
        self.skipped += [file.file_name for file in files]

    def _raise(self, name: str) -> None:
        if name in self._errors:
            raise self._errors[name]


class Ended(ClaimsInMemory):
    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.ended: list[HandledAs] = []
        self.of: list[Handled] = []
        self._error = error

    def end(self, claim: Claim, handled: Handled) -> None:
        if self._error is not None:
            raise self._error
        self.ended.append(handled.handled_as)
        self.of.append(handled)


class Told:
    def __init__(self) -> None:
        self.finished: list[tuple[str, CallStatus, str]] = []
        self.notices: list[str] = []

    def planned(self, total: int, total_bytes: int) -> None: ...

    def call_finished(self, found: FoundCall, status: CallStatus, detail: str) -> None:
        self.finished.append((found.file_name, status, detail))

    def notice(self, message: str) -> None:
        self.notices.append(message)


def work(name: str, folder: Path) -> Work:
    spool = folder / name
    spool.mkdir()
    claim = Claim(claim_id=1, run_id="run", fence=1, call={})
    return Work(claim=claim, planned=PlannedCall(found=found_call(name), action=Action.NEW), spool=spool, call_id=name)


def skipped(one: Work, reason: str) -> Unusable:
    found = one.planned.found
    file = SkippedFile(
        source_uri=found.source_uri, file_name=found.file_name, size_bytes=1, modified_at=None, reason=reason,
        message="why",
    )  # fmt: skip
    return Unusable(one, file)


IDENTITY = EngineIdentity(engine="best", model="m", revision=None, options_hash="o", rank=0, demonstration=False)
TRANSCRIPT = Transcript(fingerprint="f", identity=IDENTITY, language="en", chunks=())
PREPARED = SimpleNamespace(flags=(), duration_s=3.0, channels=())


def stored(
    items: Sequence[Finished], store: Store, claims: Ended | None = None, speakers: Any = None
) -> tuple[Told, Ended, RunSignals]:
    signals, told, claims = RunSignals(RunSettings()), Told(), claims or Ended()
    unused: Any = None
    some_store: Any = store
    parts = BatchParts(
        source=unused, store=some_store, claims=claims, preparer=unused, recogniser=unused, recogniser_arguments=(),
        analyser=unused, transcripts=speakers,
    )  # fmt: skip
    context = RunContext(
        parts=parts, signals=signals, recorder=PerformanceRecorder(), observer=told, tally=Tally(),
        desk=Desk(claims, "run", signals.settings),
    )  # fmt: skip
    inbox: StageQueue[Finished] = StageQueue(100, signals, 1)
    for item in items:
        inbox.put(item)
    inbox.writer_done()
    StoreStage(context).start(inbox).join(30)
    return told, claims, signals


def test_a_call_is_stored_told_and_leaves_no_spool(tmp_path: Path) -> None:
    store, one = Store({}), work("a", tmp_path)
    told, _, signals = stored([one], store)
    assert [(call.call_id, call.status, call.claim) for call in store.calls] == [("a", CallStatus.DONE, one.claim)]
    assert [(name, status) for name, status, _ in told.finished] == [("a", CallStatus.DONE)]
    assert not one.spool.exists()
    assert signals.fatal is None


class Speakers:
    """What is known of who speaks: whatever was asked."""

    def __init__(self, known: bool) -> None:
        self.asked: list[object] = []
        self._known = known

    def speakers(self, *about: object) -> StepResult | None:
        self.asked.append(about)
        return STEP if self._known else None


STEP = StepResult(step="speakers", fingerprint="f", state=StepState.DONE, payload=None)


@pytest.mark.parametrize("known", [True, False])
def test_all_that_was_made_of_a_call_is_stored(tmp_path: Path, known: bool) -> None:
    store, one, speakers = Store({}), work("a", tmp_path), Speakers(known)
    one.prepared, one.transcript = cast("Any", PREPARED), TRANSCRIPT
    one.steps, one.timings_s = (replace(STEP, step="text"),), {"decode": 1.0}
    stored([one], store, speakers=speakers)
    assert store.calls == [
        CallOutcome(
            call_id="a", found=one.planned.found, status=CallStatus.DONE, run_id="run", prepared=one.prepared,
            transcript=TRANSCRIPT, steps=(*one.steps, STEP) if known else one.steps, timings_s={"decode": 1.0},
            claim=one.claim,
        )
    ]  # fmt: skip
    assert speakers.asked == [(one.prepared, TRANSCRIPT, one.planned.found.metadata.direction)]


@pytest.mark.parametrize("missing", ["prepared", "transcript"])
def test_speakers_are_told_only_of_what_this_run_transcribed(tmp_path: Path, missing: str) -> None:
    store, one, speakers = Store({}), work("a", tmp_path), Speakers(known=True)
    one.prepared, one.transcript = cast("Any", PREPARED), TRANSCRIPT
    setattr(one, missing, None)
    stored([one], store, speakers=speakers)
    assert (store.calls[0].steps, speakers.asked) == ((), [])


def test_a_call_that_is_kept_ends_its_claim_and_says_why(tmp_path: Path) -> None:
    store, one = Store({}), work("a", tmp_path)
    told, claims, _ = stored([Kept(one)], store)
    assert store.calls == []
    assert claims.of == [Handled(handled_as=HandledAs.KEPT, status=CallStatus.DONE, call_id="a")]
    ((name, status, detail),) = told.finished
    assert (name, status) == ("a", CallStatus.DONE)
    assert "a better recogniser's rows" in detail
    assert not one.spool.exists()


def test_what_cannot_be_stored_of_one_call_is_its_failure_alone(tmp_path: Path) -> None:
    store = Store({"b": ValueError("a value no table can hold")})
    told, _, signals = stored([work(name, tmp_path) for name in "abc"], store)
    assert [call.call_id for call in store.calls] == ["a", "c"]
    assert [(failure.found.file_name, failure.stage) for failure in store.failures] == [("b", "store")]
    assert [status for _, status, _ in told.finished] == [CallStatus.DONE, CallStatus.FAILED, CallStatus.DONE]
    assert list(tmp_path.iterdir()) == []
    assert signals.fatal is None


def test_a_failure_that_cannot_be_stored_either_is_told(tmp_path: Path) -> None:
    store = Store({"a": ValueError("odd"), "failure of a": ValueError("odd, too")})
    told, _, signals = stored([work("a", tmp_path), work("b", tmp_path)], store)
    assert [call.call_id for call in store.calls] == ["b"]
    assert ["no row could be written for it" in notice for notice in told.notices] == [True]
    assert signals.fatal is None


def test_without_its_database_the_run_ends(tmp_path: Path) -> None:
    error = DatabaseUnavailable("gone")
    one = work("a", tmp_path)
    told, _, signals = stored([one], Store({"a": error}))
    assert signals.fatal is error
    assert told.finished == []
    assert not one.spool.exists()


def test_a_call_that_another_worker_took_over_is_left_to_it(tmp_path: Path) -> None:
    store = Store({"a": ClaimLost("another worker has it")})
    told, claims, signals = stored([work("a", tmp_path), work("b", tmp_path)], store)
    assert (store.failures, claims.ended) == ([], [])
    assert told.notices == ["file:///nowhere/a: another worker has it"]
    assert [name for name, _, _ in told.finished] == ["b"]
    assert signals.fatal is None


@pytest.mark.parametrize("lost", [False, True])
def test_a_call_that_was_erased_meanwhile_is_not_stored(tmp_path: Path, lost: bool) -> None:
    store = Store({"a": CallWithdrawn("a was erased meanwhile")})
    claims = Ended(ClaimLost("taken over") if lost else None)
    told, claims, signals = stored([work("a", tmp_path)], store, claims)
    assert told.notices == ["a was erased meanwhile"]
    assert claims.ended == ([] if lost else [HandledAs.SKIPPED])
    assert (store.calls, store.failures, told.finished) == ([], [], [])
    assert signals.fatal is None


def test_of_an_erased_recording_no_row_is_written(tmp_path: Path) -> None:
    store = Store({})
    text, erased = work("text", tmp_path), work("erased", tmp_path)
    _, claims, _ = stored([skipped(text, "not_audio"), skipped(erased, "erased")], store)
    assert store.skipped == ["text"]
    assert claims.ended == [HandledAs.SKIPPED]
