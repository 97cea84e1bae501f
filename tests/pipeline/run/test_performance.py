"""What a run keeps of its time and of the machine."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.run.performance import (
    MOST_SAMPLES,
    GpuReading,
    MachineShares,
    PerformanceRecorder,
    ResourceSample,
    machine_shares,
    nvidia_gpus,
    parse_nvidia,
)


def sample(at_s: float, memory_bytes: int = 0) -> ResourceSample:
    return ResourceSample(at_s=at_s, memory_bytes=memory_bytes, cpu_percent=0.0, queues={})


def recorder(**values: object) -> PerformanceRecorder:
    return PerformanceRecorder(**{"read_gpu": lambda: None, **values})  # type: ignore[arg-type]


def test_a_stage_is_timed_even_if_it_raises_and_taken_once() -> None:
    kept = recorder()
    with kept.stage("prepare", "a.wav", 12.0):
        pass
    with pytest.raises(ValueError, match="odd"), kept.stage("store", "b.wav"):
        raise ValueError("odd")
    kept.add("analyse", "a.wav", 1.0, 2.5)
    assert [(span.stage, span.file_name, span.audio_s) for span in kept.spans] == [
        ("prepare", "a.wav", 12.0),
        ("store", "b.wav", 0.0),
        ("analyse", "a.wav", 0.0),
    ]
    assert all(0.0 <= span.start_s <= span.end_s for span in kept.spans)
    assert [span.stage for span in kept.take("a.wav")] == ["prepare", "analyse"]
    assert [span.file_name for span in kept.spans] == ["b.wav"]
    assert kept.take("a.wav") == []


def test_samples_thin_out_over_a_long_run() -> None:
    kept = recorder()
    assert kept.memory_bytes() == 0
    for place in range(MOST_SAMPLES):
        kept.keep(sample(float(place), place))
    assert len(kept.samples) == MOST_SAMPLES
    kept.keep(sample(float(MOST_SAMPLES), 7))
    assert len(kept.samples) == MOST_SAMPLES // 2 + 1
    assert [one.at_s for one in kept.samples[:3]] == [0.0, 2.0, 4.0]
    assert kept.memory_bytes() == 7


def test_the_machine_is_sampled_until_the_end() -> None:
    looked = threading.Event()
    kept = recorder(interval_s=0.001, read_gpu=lambda: GpuReading(5, 50.0))

    def queues() -> Mapping[str, int]:
        if len(kept.samples) >= 2:
            looked.set()
        return {"prepare": 3}

    kept.queues, kept.mlx_bytes = queues, lambda: 11
    kept.start()
    assert looked.wait(30)
    kept.stop()
    first, second = kept.samples[:2]
    assert 0.0 < first.at_s < second.at_s
    assert first.memory_bytes > 10**6
    assert (first.queues, first.gpu, first.mlx_bytes) == ({"prepare": 3}, GpuReading(5, 50.0), 11)
    assert first.machine is None
    count = len(kept.samples)
    kept.stop()
    assert len(kept.samples) == count


def test_what_the_run_used_itself_is_not_counted_as_used_by_others() -> None:
    """Every sample is 2 s after the last. Of 4 processor seconds in use, the run's 75 % of one core are 1.5."""
    ticks, used_s, enough = itertools.count(100.0, 2.0), itertools.count(50.0, 4.0), threading.Event()
    asked: list[float] = []

    def read_machine() -> Mapping[str, float]:
        seconds = next(used_s)
        return {"user": seconds, "idle": seconds}

    def read_gpu() -> GpuReading:
        asked.append(0.0)
        return GpuReading(len(asked), 0.0)

    kept = recorder(
        interval_s=0.001,
        read_gpu=read_gpu,
        read_own=lambda: (1000, 75.0),
        read_machine=read_machine,
        clock=lambda: next(ticks),
    )

    def queues() -> Mapping[str, int]:
        if len(kept.samples) >= 7:
            enough.set()
        return {}

    kept.queues = queues
    kept.start()
    assert enough.wait(30)
    kept.stop()
    assert [(one.at_s, one.memory_bytes, one.cpu_percent) for one in kept.samples[:2]] == [
        (4.0, 1000, 75.0),
        (6.0, 1000, 75.0),
    ]
    assert [one.machine for one in kept.samples[:3]] == [
        None,
        MachineShares(others=2.5 / 8, stolen=0.0, waiting=0.0, idle=0.5),
        MachineShares(others=2.5 / 8, stolen=0.0, waiting=0.0, idle=0.5),
    ]
    # The GPU is asked at the start, and again once 5 s have gone by.
    assert [one.gpu.memory_bytes for one in kept.samples[:7] if one.gpu] == [1, 1, 2, 2, 2, 3, 3]


BEFORE = {"user": 10.0, "nice": 0.0, "system": 5.0, "idle": 80.0, "iowait": 3.0, "steal": 2.0, "guest": 50.0}


@pytest.mark.parametrize(
    ("now", "own_s", "expected"),
    [
        ({"user": 14.0, "idle": 84.0, "iowait": 4.0, "steal": 3.0}, 3.0, MachineShares(0.1, 0.1, 0.1, 0.4)),
        ({"user": 14.0, "idle": 84.0, "iowait": 4.0, "steal": 3.0}, 9.0, MachineShares(0.0, 0.1, 0.1, 0.4)),
        ({"idle": 90.0, "guest": 99.0}, 0.0, MachineShares(0.0, 0.0, 0.0, 1.0)),
        ({"user": 5.0, "idle": 90.0}, 0.0, MachineShares(0.0, 0.0, 0.0, 1.0)),
        ({}, 0.0, None),
    ],
)
def test_where_the_machines_time_went(now: dict[str, float], own_s: float, expected: MachineShares | None) -> None:
    assert machine_shares(BEFORE, {**BEFORE, **now}, own_s) == expected


def test_a_system_that_tells_neither_waiting_nor_stolen_time_has_none() -> None:
    assert machine_shares({"user": 0.0, "idle": 0.0}, {"user": 3.0, "idle": 1.0}, 1.0) == MachineShares(0.5, 0, 0, 0.25)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1024, 30\n", GpuReading(2**30, 30.0)),
        ("1024, 30\n2048, 50\n", GpuReading(3 * 2**30, 40.0)),
        ("1024, 30\n[N/A], [N/A]\n", GpuReading(2**30, 30.0)),
        ("[N/A], 5\n", None),
        ("1024\n", None),
        ("1, 2, 3\n", None),
        ("", None),
    ],
)
def test_what_nvidias_tool_says(text: str, expected: GpuReading | None) -> None:
    assert parse_nvidia(text) == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [("echo 512, 20", GpuReading(2**29, 20.0)), ("exit 9", None), (None, None)],
)
def test_the_tool_is_asked_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, expected: GpuReading | None
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if script is not None:
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)
    assert nvidia_gpus()() == expected
