"""Handing out calls and bringing remote recordings here: what is odd about one costs that one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commands.evaluate.comparison.claims_in_memory import ClaimsInMemory
from pipeline.config.areas.run import RunSettings
from pipeline.records import CallFailure, Claim, FoundCall, SkippedFile
from pipeline.run.context import BatchParts, RunContext
from pipeline.run.desk import Desk
from pipeline.run.performance import PerformanceRecorder, ResourceSample
from pipeline.run.planning.claimed import as_json
from pipeline.run.planning.plan import Action, PlannedCall
from pipeline.run.signals import RunSignals
from pipeline.run.stages.fetch import FetchStage
from pipeline.run.stages.room import Room
from pipeline.run.stages.work import Finished, StageQueue, Work
from pipeline.run.tally import Tally
from tests.pipeline.run.stages.test_recognise import Silent, found_call


class FakeSource:
    """A bucket of bytes; what stands for an error is raised."""

    def __init__(self, objects: Mapping[str, bytes | Exception]) -> None:
        self._objects = objects
        self.fetched: list[str] = []
        self.dropped: list[str] = []
        self.fetched_now = 0
        self._lock = threading.Lock()

    def discover(self) -> Iterator[FoundCall | SkippedFile]:
        return iter(())

    @contextmanager
    def fetch(self, call: FoundCall, spool: Path) -> Iterator[Path]:
        self.fetched.append(call.file_name)
        content = self._objects[call.file_name]
        if isinstance(content, Exception):
            raise content
        path = spool / "recording"
        path.write_bytes(content)
        with self._lock:
            self.fetched_now += 1
        yield path
        with self._lock:
            self.fetched_now -= 1
        self.dropped.append(call.file_name)


class HandedOutForGood(ClaimsInMemory):
    """Nobody behind the stage ends a claim."""

    def claim(
        self, run_id: str | None, most: int, least_priority: int | None = None, in_hand: int | None = None
    ) -> Sequence[Claim]:
        claims = super().claim(run_id, most, least_priority)
        self.end_as_lost([claim.fence for claim in claims])
        return claims


def planned(name: str, scheme: str = "s3://bucket") -> PlannedCall:
    return PlannedCall(found=replace(found_call(name), source_uri=f"{scheme}/{name}"), action=Action.NEW)


def stage_of(
    calls: list[PlannedCall], source: FakeSource, spool: Path, recorder: PerformanceRecorder | None = None, **more: Any
) -> tuple[FetchStage, RunSignals]:
    signals = RunSignals(RunSettings(attempts=1, **more))
    nothing: Any = None
    claims = HandedOutForGood()
    claims.enqueue("run", {call.found.source_uri: as_json(call) for call in calls})
    parts = BatchParts(
        source=source, store=nothing, claims=claims, preparer=nothing, recogniser=nothing, recogniser_arguments=(),
        analyser=nothing, transcripts=nothing,
    )  # fmt: skip
    context = RunContext(
        parts=parts, signals=signals, recorder=recorder or PerformanceRecorder(), observer=Silent(), tally=Tally(),
        desk=Desk(claims, "run", signals.settings),
    )  # fmt: skip
    return FetchStage(context, spool, frozenset()), signals


def handed_out(
    calls: list[PlannedCall], source: FakeSource, spool: Path, recorder: PerformanceRecorder | None = None, **more: Any
) -> tuple[list[Work], list[CallFailure], RunSignals]:
    stage, signals = stage_of(calls, source, spool, recorder, **{"io_workers": 1, **more})
    out: StageQueue[Work] = StageQueue(100, signals, 1)
    finished: StageQueue[Finished] = StageQueue(100, signals, 1)
    for thread in stage.start(out, finished):
        thread.join(30)
    failures = [item for item in finished.take_waiting(100) if isinstance(item, CallFailure)]
    return out.take_waiting(100), failures, signals


def test_remote_recordings_are_brought_here_and_local_ones_stay_where_they_are(tmp_path: Path) -> None:
    source = FakeSource({"a.wav": b"sound"})
    works, failures, _ = handed_out([planned("a.wav"), planned("b.wav", "file:///calls")], source, tmp_path)
    assert failures == []
    assert source.fetched == ["a.wav"]
    remote, local = works
    assert [path.read_bytes() for path in remote.local_paths] == [b"sound"]
    assert local.local_paths == ()
    remote.drop_fetched()
    assert source.dropped == ["a.wav"]


@pytest.mark.parametrize("error", [ValueError("embedded null byte"), UnicodeEncodeError("utf-8", "\udcff", 0, 1, "x")])
def test_a_recording_with_an_odd_name_costs_itself_alone(tmp_path: Path, error: Exception) -> None:
    """It ended the run: only errors of ours were caught."""
    source = FakeSource({"odd.wav": error, "a.wav": b"sound"})
    works, failures, signals = handed_out([planned("odd.wav"), planned("a.wav")], source, tmp_path)
    assert [work.file_name for work in works] == ["a.wav"]
    assert [(failure.found.file_name, failure.stage, failure.error_type) for failure in failures] == [
        ("odd.wav", "fetch", type(error).__name__)
    ]
    assert signals.fatal is None
    assert len(list(tmp_path.iterdir())) == 1, "the spool of the failed one is gone"


def short_of_memory(*under_way: int) -> tuple[PerformanceRecorder, list[int]]:
    """A recorder of a gigabyte in use; how many calls are under way at each look, and the looks."""
    recorder, looks = PerformanceRecorder(), list[int]()
    recorder.keep(ResourceSample(at_s=0.0, memory_bytes=10**9, cpu_percent=0.0, queues={}))

    def queues() -> Mapping[str, int]:
        looks.append(under_way[min(len(looks), len(under_way) - 1)])
        return {"prepare": 0, "recognise": looks[-1]}

    recorder.queues = queues
    return recorder, looks


@pytest.mark.parametrize(
    ("limit_gb", "under_way", "seen"),
    [(0.5, (0,), [0, 0]), (0.5, (2, 0), [2, 0, 0]), (5.0, (2,), [])],
    ids=["nothing under way frees no memory", "it waits for what is under way", "there is memory"],
)
def test_a_call_is_handed_out_when_there_is_memory_for_it_or_waiting_would_free_none(
    tmp_path: Path, limit_gb: float, under_way: tuple[int, ...], seen: list[int]
) -> None:
    recorder, looks = short_of_memory(*under_way)
    works, _, _ = handed_out(
        [planned("a.wav", "file:///calls")], FakeSource({}), tmp_path, recorder, max_memory_gb=limit_gb
    )
    assert [work.file_name for work in works] == ["a.wav"]
    assert looks == seen, "before the call, and before there is no further one"


def test_recordings_are_fetched_ahead_only_while_there_is_room(tmp_path: Path) -> None:
    """Only their number was bounded: sixteen recordings of hours filled the disk."""
    room = Room(100)
    assert room.take(60, 0.0)
    assert not room.take(60, 0.0)
    assert room.take(40, 0.0)
    assert room.take(60, 0.0, at_once=True), "an urgent call does not wait"
    for size in (60, 40, 60):
        room.give(size)
    assert room.take(1000, 0.0), "one that is larger than all the room, alone"
    assert not room.take(1, 0.0)


def test_room_comes_back_when_a_decoder_is_done_and_when_a_fetch_failed(tmp_path: Path) -> None:
    names = [f"{number}.wav" for number in range(6)]
    source = FakeSource(dict.fromkeys(names[1:], b"sound") | {"0.wav": ValueError("odd")})
    stage, signals = stage_of([planned(name) for name in names], source, tmp_path, io_workers=3, fetched_mb=1 / 2**20)
    out: StageQueue[Work] = StageQueue(100, signals, 3)
    finished: StageQueue[Finished] = StageQueue(100, signals, 3)
    threads = stage.start(out, finished)
    done = []
    while (work := out.get(5)) is not None:
        signals.stopping.wait(0.02)  # time in which the others would be fetched, too
        assert source.fetched_now == 1
        done.append(work.file_name)
        work.drop_fetched()
        if len(done) == len(names) - 1:
            break
    for thread in threads:
        thread.join(30)
    assert sorted(done) == names[1:]
