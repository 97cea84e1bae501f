"""The recogniser's process: results as they finish, and only the segment to blame is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.config.areas.run import RunSettings
from pipeline.errors import ModelUnavailable, RunInterrupted
from pipeline.run.processes.recogniser_child import SegmentTask, WindowTask
from pipeline.run.processes.recogniser_process import RecogniserProcess
from pipeline.run.signals import RunSignals
from pipeline.transcription.engine import OUT_OF_MEMORY, SegmentResult
from pipeline.transcription.fingerprint import same_engine
from tests.pipeline.run.planted import (
    build_leaving,
    build_mortal,
    build_recogniser,
    build_slowly,
    build_small,
    build_unloadable,
    build_while_weights_are_there,
    die_while_loading,
)


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    path = tmp_path / "channel_0.f32"
    np.zeros(16_000 * 4, dtype="<f4").tofile(path)
    return path


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    path = tmp_path / "trap"
    path.touch()
    return path


@pytest.fixture
def process(trap: Path) -> Iterator[RecogniserProcess]:
    process = RecogniserProcess(build_recogniser, (trap,), load_timeout_s=60, segment_timeout_s=1.5)
    process.start()
    yield process
    process.kill()


def run(process: RecogniserProcess, samples: Path, keys: list[str]) -> dict[str, SegmentResult]:
    for key in keys:
        process.submit(WindowTask((SegmentTask(key=key, samples_path=samples, start_s=0.5, end_s=1.5, language=None),)))
    results: dict[str, SegmentResult] = {}
    deadline = time.monotonic() + 120
    while process.outstanding and time.monotonic() < deadline:
        for result in process.results(1.0):
            assert result.key not in results, "a segment came back twice"
            results[result.key] = result
    return results


def test_every_segment_comes_back_once_with_its_own_samples(process: RecogniserProcess, samples: Path) -> None:
    keys = [f"segment {i}" for i in range(30)]
    results = run(process, samples, keys)
    assert {key: result.text for key, result in results.items()} == {key: f"{key} 16000" for key in keys}
    assert process.restarts == 0


@pytest.mark.parametrize(
    ("culprit", "flag"), [("crash", "recogniser_crash"), ("hang", "recogniser_timeout"), ("raise", "recogniser_error")]
)
def test_only_the_segment_to_blame_is_lost(process: RecogniserProcess, samples: Path, culprit: str, flag: str) -> None:
    keys = [f"segment {i}" for i in range(6)]
    results = run(process, samples, [*keys[:3], culprit, *keys[3:]])
    assert results[culprit].text == ""
    assert results[culprit].error
    assert results[culprit].flags == (flag,)
    assert all(results[key].text == f"{key} 16000" and results[key].error is None for key in keys)


@pytest.mark.parametrize(
    ("culprit", "flag"), [("crash", "recogniser_crash"), ("hang", "recogniser_timeout"), ("raise", "recogniser_error")]
)
def test_only_the_segment_to_blame_is_lost_out_of_a_window(
    process: RecogniserProcess, samples: Path, culprit: str, flag: str
) -> None:
    """The windows that were taken fall apart; those that were only sent stay whole."""
    keys = [["a", culprit, "b"], ["c", "d"]]
    for window in keys:
        tasks = tuple(SegmentTask(key=key, samples_path=samples, start_s=0, end_s=1, language=None) for key in window)
        process.submit(WindowTask(tasks))
    results = run(process, samples, [])
    assert set(results) == {"a", culprit, "b", "c", "d"}
    assert results[culprit].flags == (flag,)
    assert all(result.error is None for key, result in results.items() if key != culprit)


def test_a_segment_tried_alone_has_the_limit_of_one_segment(trap: Path, samples: Path) -> None:
    process = RecogniserProcess(
        build_recogniser, (trap,), load_timeout_s=60, segment_timeout_s=4.0, alone_timeout_s=2.0
    )
    process.start()
    try:
        results = run(process, samples, ["a", "hang 1", "b", "hang 2"])
    finally:
        process.kill()
    assert {key for key, result in results.items() if result.error is None} == {"a", "b"}
    for culprit in ("hang 1", "hang 2"):
        assert results[culprit].flags == ("recogniser_timeout",)
        assert "within 2 s (transcription.segment_time_limit_s)" in (results[culprit].error or "")


def test_a_process_that_reads_nothing_does_not_stop_its_supervisor(process: RecogniserProcess, samples: Path) -> None:
    """Found by reading: `submit` waited for ever where the process was stopped, or held by a native call."""
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSTOP)
    keys = [f"segment {i}" for i in range(3000)]
    began = time.monotonic()
    for key in keys:
        process.submit(WindowTask((SegmentTask(key=key, samples_path=samples, start_s=0.5, end_s=1.5, language=None),)))
    assert time.monotonic() - began < 60, "it hung"
    results = run(process, samples, [])
    assert set(results) == set(keys)
    assert process.restarts == 1


def test_a_crash_that_does_not_come_again_loses_nothing(process: RecogniserProcess, samples: Path) -> None:
    results = run(process, samples, ["a", "once", "b"])
    assert {key: result.error for key, result in results.items()} == {"a": None, "once": None, "b": None}
    assert process.restarts == 1


def test_a_process_that_dies_again_and_again_is_given_up(samples: Path) -> None:
    process = RecogniserProcess(build_mortal, (0,), 60, 60, restarts_in_vain=2)
    process.start()
    try:
        with pytest.raises(ModelUnavailable, match=r"died 3 times in a row: .*exit code 9"):
            run(process, samples, ["a", "b"])
    finally:
        process.kill()
    assert process.restarts == 3


def test_every_segment_finished_in_between_gives_the_restarts_back(samples: Path) -> None:
    process = RecogniserProcess(build_mortal, (1,), 60, 60, restarts_in_vain=1)
    process.start()
    try:
        results = run(process, samples, ["a", "b", "c", "d"])
    finally:
        process.kill()
    assert {key: result.error for key, result in results.items()} == dict.fromkeys("abcd")
    assert process.restarts >= 3


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [(build_unloadable, (), "no hub within reach"), (die_while_loading, (), "exit code 11")],
)
def test_a_recogniser_that_does_not_load_says_why(build: Any, arguments: tuple[Any, ...], message: str) -> None:
    process = RecogniserProcess(build, arguments, load_timeout_s=60, segment_timeout_s=5)
    with pytest.raises(ModelUnavailable, match=message):
        process.start()


def test_a_stop_while_the_weights_load_is_heeded(trap: Path) -> None:
    signals = RunSignals(RunSettings())
    signals.stop("SIGTERM received")
    process = RecogniserProcess(build_slowly, (trap,), load_timeout_s=3600, segment_timeout_s=5)
    with pytest.raises(RunInterrupted, match="SIGTERM"):
        process.start(signals.raise_if_stopping)
    assert process.pid is None


def test_out_of_memory_brings_the_next_engine_and_drops_what_was_under_way(samples: Path) -> None:
    process = RecogniserProcess(build_small, (False,), load_timeout_s=60, segment_timeout_s=30)
    try:
        process.start()
        before = process.identity
        early = run(process, samples, ["a", "huge", "b", "c"])
        assert "huge" not in early
        assert all(result.text.endswith("by first") for result in early.values())
        assert process.outstanding == 0
        assert before is not None
        assert process.identity is not None
        assert not same_engine(before, process.identity)
        late = run(process, samples, ["huge", "b", "c"])
        assert {key: result.text for key, result in late.items()} == {k: f"{k} by second" for k in ("huge", "b", "c")}
        assert process.restarts == 1
    finally:
        process.kill()


def test_out_of_memory_without_another_engine_is_the_segment_s_error(samples: Path) -> None:
    process = RecogniserProcess(build_small, (True,), load_timeout_s=60, segment_timeout_s=30)
    try:
        process.start()
        results = run(process, samples, ["a", "huge 1", "b", "huge 2", "c"])
        assert set(results) == {"a", "huge 1", "b", "huge 2", "c"}
        assert all(results[key].text == f"{key} by first" for key in "abc")
        assert "strict" in (results["huge 1"].error or "")
        assert results["huge 2"].flags == (OUT_OF_MEMORY,)
        assert process.restarts == 1, "it is not tried again for every segment"
    finally:
        process.kill()


def test_busy_time_counts_only_while_segments_are_under_way(process: RecogniserProcess, samples: Path) -> None:
    run(process, samples, ["a"])
    busy_s = process.busy_s
    time.sleep(0.3)
    run(process, samples, [])
    assert process.busy_s == busy_s
    assert busy_s > 0


@pytest.mark.parametrize("how", ["refused", "die, again and again"])
def test_an_engine_that_goes_away_for_good_is_left_for_the_next(trap: Path, samples: Path, how: str) -> None:
    """Both ended the run, though the next engine could serve."""
    process = RecogniserProcess(build_leaving, (trap,), 60, 60, restarts_in_vain=0)
    try:
        process.start()
        early = run(process, samples, ["a", how, "b"])
        assert how not in early
        assert process.outstanding == 0, "whoever submitted them begins again"
        assert process.identity is not None
        assert process.identity.engine == "second"
        assert process.without_memory == set()
        late = run(process, samples, ["a", how, "b"])
        assert {result.text for result in late.values()} == {f"{key} by second" for key in ("a", how, "b")}
        assert process.return_to("first")
        assert {result.text for result in run(process, samples, ["c"]).values()} == {"c by first"}
        trap.unlink()
        process.leave("withdrawn")
        assert not process.return_to("first"), "the next one is loaded in its place"
        assert {result.text for result in run(process, samples, [how]).values()} == {f"{how} by second"}
    finally:
        process.kill()


def test_an_engine_that_comes_back_from_a_crash_as_another_finishes_no_call_of_the_first(
    trap: Path, samples: Path
) -> None:
    process = RecogniserProcess(build_leaving, (trap,), load_timeout_s=60, segment_timeout_s=60)
    try:
        process.start()
        trap.unlink()
        early = run(process, samples, ["a", "die", "b"])
        assert {result.text for result in early.values()} <= {"a by first"}
        assert process.outstanding == 0, "whoever submitted them begins again"
        assert process.identity is not None
        assert process.identity.engine == "second"
    finally:
        process.kill()


def test_an_engine_that_hangs_while_it_is_loaded_again_is_left_too(trap: Path, samples: Path) -> None:
    process = RecogniserProcess(build_leaving, (trap, True), load_timeout_s=8, segment_timeout_s=60)
    try:
        process.start()
        trap.unlink()
        run(process, samples, ["a", "die", "b"])
        assert process.identity is not None
        assert process.identity.engine == "second"
    finally:
        process.kill()


def test_without_a_next_engine_leaving_says_why_and_why_no_other_serves(samples: Path) -> None:
    process = RecogniserProcess(build_small, (True,), load_timeout_s=60, segment_timeout_s=60)
    try:
        process.start()
        with pytest.raises(ModelUnavailable, match=r"503; and no other engine can serve: first: 503\. strict"):
            process.leave("503")
    finally:
        process.kill()


def test_a_recogniser_that_cannot_be_started_again_ends_the_run(trap: Path, samples: Path) -> None:
    process = RecogniserProcess(build_while_weights_are_there, (trap,), load_timeout_s=60, segment_timeout_s=60)
    try:
        process.start()
        with pytest.raises(ModelUnavailable, match="could not be started again: the weights were removed"):
            run(process, samples, ["once"])  # it dies, and takes what it loads with it
    finally:
        process.kill()


def test_the_urgent_come_first_and_equals_in_their_order(samples: Path) -> None:
    process = RecogniserProcess(build_recogniser, (None,), load_timeout_s=60, segment_timeout_s=60)
    try:
        for key, priority in [("a", 0), ("b", 1), ("c", 0), ("d", 2), ("e", 1), ("f", 0)]:
            segment = SegmentTask(key=key, samples_path=samples, start_s=0.5, end_s=1.5, language=None)
            process.submit(WindowTask((segment,), priority=priority))
        assert process.outstanding == 6
        process.start()
        assert "".join(run(process, samples, [])) == "dbeacf"
    finally:
        process.kill()
