"""What the recogniser hears of a window: its segments, the ends of the pauses between them, and nothing of others."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from pipeline.records import SAMPLE_RATE_HZ
from pipeline.run.processes.recogniser_child import SegmentTask, WindowTask, set_up
from pipeline.threads import begun
from pipeline.transcription.engine import SegmentRequest, SegmentResult

SECONDS = 8


@pytest.fixture
def spooled(tmp_path: Path) -> Path:
    """A channel in which every sample tells its place in seconds."""
    path = tmp_path / "channel.f32"
    (np.arange(SECONDS * SAMPLE_RATE_HZ, dtype="<f4") / SAMPLE_RATE_HZ).tofile(path)
    return path


def task(path: Path, start_s: float, end_s: float, before_s: float = 0.0, after_s: float = 0.0) -> SegmentTask:
    return SegmentTask(
        key=f"{start_s:g}", samples_path=path, start_s=start_s, end_s=end_s, language="en", before_s=before_s,
        after_s=after_s,
    )  # fmt: skip


def stretches(samples: np.ndarray[tuple[int], np.dtype[np.float32]]) -> list[tuple[float, float]]:
    """The seconds of the recording that follow each other in it."""
    cuts = np.flatnonzero(np.abs(np.diff(samples)) > 0.001) + 1
    return [(round(float(one[0]), 2), round(float(one[-1]), 2)) for one in np.split(samples, cuts)]


@pytest.mark.parametrize(
    ("tasks", "heard"),
    [
        pytest.param([(1, 2, 0.25, 0.25)], [(0.75, 2.25)], id="one segment and the sound around it"),
        pytest.param(
            [(1, 2, 0.25, 0.25), (5, 6, 0.25, 0.25)], [(0.75, 2.25), (4.75, 6.25)], id="both ends of a long pause"
        ),
        pytest.param([(1, 2, 0.25, 0.2), (2.4, 3, 0.2, 0.1)], [(0.75, 3.1)], id="a short pause is heard whole"),
        pytest.param([(1, 2), (2.4, 3)], [(1, 3)], id="a short pause, nothing around"),
        pytest.param([(0, 1, 0.25, 0), (7, 8, 0, 0.25)], [(0, 1), (7, 8)], id="nothing beyond the recording"),
    ],
)
def test_a_window_is_heard_with_the_sound_around_its_segments(
    spooled: Path, tasks: list[tuple[float, ...]], heard: list[tuple[float, float]]
) -> None:
    request = WindowTask(tuple(task(spooled, *one) for one in tasks)).read()
    assert [pair for pair in stretches(request.samples) if pair != (0, 0)] == [
        pytest.approx(pair, abs=0.011) for pair in heard
    ]
    for part, one in zip(request.parts, tasks, strict=bool(request.parts)):
        assert request.samples[part.first] == pytest.approx(one[0], abs=0.001)
        assert part.last - part.first == round((one[1] - one[0]) * SAMPLE_RATE_HZ)


def test_a_long_pause_with_nothing_around_is_silence(spooled: Path) -> None:
    request = WindowTask((task(spooled, 1, 2), task(spooled, 5, 6))).read()
    first, second = request.parts
    assert not request.samples[first.last : second.first].any()
    assert second.first - first.last == SAMPLE_RATE_HZ // 2


def test_segments_tried_apart_are_heard_by_themselves(spooled: Path) -> None:
    window = WindowTask((task(spooled, 1, 2, 0.25, 0.25), task(spooled, 5, 6, 0.25, 0.25)))
    (alone,) = window.apart({"5"})
    assert stretches(alone.read().samples) == [(5, 6)]


class Echo:
    """A recogniser that hears its task's key; it takes windows while there are some."""

    def __init__(self, *given: object, skip: object = None, fails_at: str = "") -> None:
        self.given, self.skip, self.fails_at = given, skip, fails_at

    def load(self) -> tuple[str, object, object]:
        return "loaded", self.given, self.skip

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]:
        for request in requests:
            if request.key == self.fails_at:
                raise ValueError("no such sound")
            yield SegmentResult(key=request.key, text=request.key, language="en")


def served(recogniser: Echo, tasks: list[WindowTask]) -> list[tuple[str, Any]]:
    """What the child tells of windows that all wait when it begins, and after which none comes."""
    supervisor, child = socket.socketpair()
    with closing(Connection(supervisor.dup().detach())) as ours, closing(Connection(child.detach())) as theirs:
        for waiting in tasks:
            ours.send(waiting)
        supervisor.shutdown(socket.SHUT_WR)
        _, serve = set_up(lambda: cast("Any", recogniser), (), {})
        thread = begun("child", serve, theirs)
        thread.join(20.0)
        assert not thread.is_alive(), "it ends with its supervisor"
        theirs.close()
        told = []
        while ours.poll():
            try:
                kind, value = ours.recv()
            except EOFError:
                break
            told.append((kind, getattr(value, "key", value)))
        supervisor.close()
        return told


def test_windows_are_taken_and_answered_in_turn_until_no_more_can_come(spooled: Path) -> None:
    tasks = [WindowTask((task(spooled, start_s, start_s + 1),)) for start_s in (1, 2, 3)]
    told = served(Echo(), tasks)
    assert [entry for entry in told if entry[0] != "mlx_bytes"] == [
        (kind, key) for key in ("1", "2", "3") for kind in ("taken", "done")
    ]
    assert [kind for kind, _ in told].count("mlx_bytes") == 3


def test_a_window_that_breaks_the_recogniser_is_the_last_that_was_taken(spooled: Path) -> None:
    tasks = [WindowTask((task(spooled, start_s, start_s + 1),)) for start_s in (1, 2, 3)]
    told = served(Echo(fails_at="2"), tasks)
    assert [kind for kind, _ in told] == ["taken", "mlx_bytes", "done", "taken", "raised"]
    assert "ValueError" in str(told[-1][1])


def test_urgent_windows_are_taken_first(spooled: Path) -> None:
    tasks = [
        replace(WindowTask((task(spooled, start_s, start_s + 1),)), priority=priority)
        for start_s, priority in ((1, 0), (2, 0), (3, 5), (4, 1))
    ]
    taken = [key for kind, key in served(Echo(), tasks) if kind == "taken"]
    assert [key for key in taken if key != "1"] == ["3", "4", "2"], "the first may be taken before the others have come"


@pytest.mark.parametrize("skip", [{}, {"whisper": "no weights"}])
def test_engines_to_be_left_out_are_named_where_there_are_some(skip: dict[str, str]) -> None:
    loaded, _ = set_up(cast("Any", Echo), ("given", 2), skip)
    assert loaded == cast("Any", ("loaded", ("given", 2), skip or None))
