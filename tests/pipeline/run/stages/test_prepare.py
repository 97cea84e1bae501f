"""Handing recordings to the decoders: what becomes of each answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commands.evaluate.comparison.claims_in_memory import ClaimsInMemory
from pipeline.config.areas.run import RunSettings
from pipeline.errors import AudioUndecodable, StageTimeout
from pipeline.records import CallFailure, Claim, FoundCall, PreparedCall, SkippedFile
from pipeline.run.context import BatchParts, RunContext
from pipeline.run.desk import Desk
from pipeline.run.performance import PerformanceRecorder
from pipeline.run.planning.plan import Action, PlannedCall
from pipeline.run.processes.preparer import PrepareTask
from pipeline.run.signals import RunSignals
from pipeline.run.stages.prepare import PrepareStage
from pipeline.run.stages.work import Finished, StageQueue, Unusable, Work
from pipeline.run.tally import Tally
from tests.pipeline.run.stages.test_recognise import Silent, found_call
from tests.pipeline.run.stages.test_recognise import work as prepared_work


def prepared() -> PreparedCall:
    answer = prepared_work("a.wav").prepared
    assert answer is not None
    return answer


class Decoder:
    """Answers with what stands for a file's name; raises an error."""

    def __init__(self, answers: dict[str, list[object]]) -> None:
        self.answers = answers
        self.tasks: list[tuple[PrepareTask, float]] = []
        self.closed = 0

    def call(self, task: object, timeout_s: float) -> Any:
        assert isinstance(task, PrepareTask)
        assert task.spool.is_dir()
        self.tasks.append((task, timeout_s))
        answers = self.answers.get(task.found.file_name, [])
        answer = answers.pop(0) if answers else prepared()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed += 1


class Store:
    def is_erased(self, found: FoundCall, audio_sha256: str) -> bool:
        return found.file_name == "erased.wav"


def work(
    name: str,
    spool: Path,
    action: Action = Action.NEW,
    size_bytes: int = 2_000_000,
    steps: frozenset[str] | None = None,
) -> Work:
    found = replace(found_call(name), size_bytes=size_bytes)
    claim = Claim(claim_id=1, run_id="run", fence=1, call={})
    return Work(claim=claim, planned=PlannedCall(found=found, action=action, steps=steps), spool=spool / name)


def decoded(
    works: list[Work], decoder: Decoder, *, stop: bool = False, **settings: Any
) -> tuple[list[Work], list[Finished], RunSignals, Silent]:
    values = {"decode_workers": 1, "backoff_initial_s": 0.0, "backoff_max_s": 0.0, **settings}
    signals, observer = RunSignals(RunSettings(**values)), Silent()
    unused: Any = None
    store: Any = Store()
    parts = BatchParts(
        source=unused, store=store, claims=ClaimsInMemory(), preparer=unused, recogniser=unused,
        recogniser_arguments=(), analyser=unused, transcripts=unused, hire=lambda name, child, key: decoder,
        prepare_extra_s=7.0,
    )  # fmt: skip
    context = RunContext(
        parts=parts, signals=signals, recorder=PerformanceRecorder(), observer=observer, tally=Tally(),
        desk=Desk(parts.claims, "run", signals.settings),
    )  # fmt: skip
    inbox: StageQueue[Work] = StageQueue(100, signals, 1)
    out: StageQueue[Work] = StageQueue(100, signals, 1)
    finished: StageQueue[Finished] = StageQueue(100, signals, 1)
    for one in works:
        inbox.put(one)
    inbox.writer_done()
    if stop:
        signals.stop("a test")
    for thread in PrepareStage(context, frozenset()).start(inbox, out, finished):
        thread.join(30)
    assert decoder.closed == 1
    return out.take_waiting(100), finished.take_waiting(100), signals, observer


def test_a_call_is_prepared_with_a_limit_that_grows_with_its_file(tmp_path: Path) -> None:
    decoder = Decoder({})
    limits: dict[str, Any] = {"fetch_timeout_s": 10.0, "prepare_timeout_s": 100.0, "prepare_timeout_per_mb_s": 0.5}
    (one,), finished, signals, _ = decoded([work("a.wav", tmp_path)], decoder, **limits)
    ((task, _),) = decoder.tasks
    assert (task.limit_s, task.fetch_limit_s, task.spool) == (10.0 + 7.0 + 100.0 + 1.0, 10.0, tmp_path / "a.wav")
    assert one.prepared is not None
    assert one.timings_s["prepare"] >= 0.0
    assert (finished, signals.fatal) == ([], None)


def test_a_call_whose_sound_is_not_needed_is_passed_on(tmp_path: Path) -> None:
    decoder = Decoder({})
    (one,), finished, *_ = decoded([work("a.wav", tmp_path, Action.ANALYSE, steps=frozenset({"topic"}))], decoder)
    assert (decoder.tasks, one.prepared, finished) == ([], None, [])


def test_each_answer_goes_its_way_and_leaves_no_spool(tmp_path: Path) -> None:
    skipped = SkippedFile(
        source_uri="file:///b", file_name="short.wav", size_bytes=1, modified_at=None, reason="too_short", message="m"
    )
    answers: dict[str, list[object]] = {"short.wav": [skipped], "broken.wav": [AudioUndecodable("no sound")]}
    names = ["short.wav", "broken.wav", "erased.wav", "good.wav"]
    out, finished, signals, _ = decoded([work(name, tmp_path) for name in names], Decoder(answers))
    assert [one.file_name for one in out] == ["good.wav"]
    short, broken, erased = finished
    assert isinstance(short, Unusable)
    assert short.file is skipped
    assert isinstance(broken, CallFailure)
    assert (broken.stage, broken.message) == ("prepare", "no sound")
    assert isinstance(erased, Unusable)
    assert erased.file.reason == "erased"
    assert [path.name for path in tmp_path.iterdir()] == ["good.wav"]
    assert signals.fatal is None


@pytest.mark.parametrize(("failures", "lost"), [(1, False), (2, False), (3, True)])
def test_passing_trouble_is_tried_as_often_as_allowed(tmp_path: Path, failures: int, lost: bool) -> None:
    decoder = Decoder({"a.wav": [StageTimeout("too slow")] * failures})
    out, finished, _, observer = decoded([work("a.wav", tmp_path)], decoder, attempts=3)
    assert (len(out), len(finished)) == ((0, 1) if lost else (1, 0))
    assert len(decoder.tasks) == min(3, failures + 1)
    assert len(observer.notices) == min(2, failures)


def test_a_note_is_told_once(tmp_path: Path) -> None:
    noted: list[PreparedCall] = [
        replace(prepared(), notes={"not_diarised": why}) for why in ("no time", "no time", "short")
    ]
    decoder = Decoder({f"{place}.wav": [one] for place, one in enumerate(noted)})
    *_, observer = decoded([work(f"{place}.wav", tmp_path) for place in range(3)], decoder)
    assert observer.notices == ["not_diarised: no time", "not_diarised: short"]


def test_what_was_not_begun_when_a_run_stops_is_left(tmp_path: Path) -> None:
    decoder = Decoder({})
    out, finished, signals, _ = decoded([work("a.wav", tmp_path)], decoder, stop=True)
    assert (decoder.tasks, out, finished, signals.fatal) == ([], [], [], None)


def test_a_bug_ends_the_run(tmp_path: Path) -> None:
    out, _, signals, _ = decoded([work("a.wav", tmp_path)], Decoder({"a.wav": [KeyError("bug")]}))
    assert out == []
    assert "KeyError" in str(signals.fatal)
