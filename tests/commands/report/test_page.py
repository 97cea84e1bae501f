"""What the page says in words, and what it says of a machine that others use."""

from __future__ import annotations

from typing import Any

import pytest

from commands.report.bottleneck import Load, bottleneck
from commands.report.build import failed_calls
from commands.report.page import page
from commands.report.spans import mean_shares
from pipeline.config.root import Settings
from pipeline.run.performance import MachineShares, PerformanceRecorder, ResourceSample, machine_shares
from pipeline.run.planning.plan import Plan
from pipeline.run.tally import Tally
from tests.commands.report.test_attention import failure, result_of


def test_the_page_of_a_failed_night_names_every_failed_call_with_its_reason() -> None:
    """Of each kind of error only one call was named, as an example."""
    names = [f"{number}.wav" for number in range(300)]
    result = result_of(Plan(), Tally(failures=[failure(name, transient=False) for name in names]))
    shown = page({"failed_calls": failed_calls(result), "counts": {"found": 300, "failed": 300}})
    assert all(f">{name}</td>" in shown for name in names)
    assert shown.count(">noise</td>") == 300


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ({"planned_stop": "the stop time 05:00 has come"}, "Stopped as planned:</b> the stop time 05:00 has come"),
        ({"attention": ["9 of 9 <b>"]}, "9 of 9 &lt;b&gt;"),
        (
            {"attention": ["x"], "unusable": {"recordings": 1, "first": [{"file_name": "a.wav", "reason": "empty"}]}},
            "1 recording that cannot be used",
        ),
        ({"disappeared": {"calls": 1, "first": ["file:///a.wav"]}}, "No longer where they were: 1 recording."),
        ({"recogniser_restarts": 1}, "restarted 1 time."),
        (
            {"passed_over_providers": [{"provider": "chat", "asked": 12, "answered": 0, "reason": "503"}]},
            "chat:</b> answered 0 of 12 times it was asked; last: 503",
        ),
        (
            {"passed_over_providers": [{"step": "topic", "calls": 3, "reason": "passed over: chat: 503"}]},
            "topic:</b> passed over: chat: 503",
        ),
    ],
)
def test_the_page_says_what_needs_a_look(report: dict[str, object], said: str) -> None:
    assert said in page(report)


@pytest.mark.parametrize(
    ("shares", "name"),
    [
        ((0.5, 0.0, 0.0, 0.0), "machine"),
        ((0.0, 0.5, 0.0, 0.1), "machine"),
        ((0.2, 0.1, 0.0, 0.1), "machine"),
        ((0.2, 0.0, 0.0, 0.1), "recognise"),
        ((0.5, 0.0, 0.0, 0.3), "recognise"),
        ((0.0, 0.0, 0.4, 0.4), "disk"),
        ((0.0, 0.0, 0.2, 0.4), "recognise"),
        (None, "recognise"),
    ],
)
def test_a_starved_machine_is_the_bottleneck_and_no_stage(
    shares: tuple[float, float, float, float] | None, name: str
) -> None:
    """A run beside others blamed its own recogniser."""
    load = Load(
        startup_share=0.1,
        short_of_memory_share=0.0,
        utilisation={"recognise": 0.9},
        machine=None if shares is None else MachineShares(*shares),
    )
    assert bottleneck(load, Settings(), cores=8)["name"] == name


@pytest.mark.parametrize(
    ("now", "own_s", "shares"),
    [
        ({"user": 6.0, "idle": 2.0, "iowait": 1.0, "steal": 1.0}, 2.0, (0.4, 0.1, 0.1, 0.2)),
        ({"user": 6.0, "idle": 4.0, "guest": 6.0}, 1.0, (0.5, 0.0, 0.0, 0.4)),
        ({"user": 1.0, "idle": 1.0}, 5.0, (0.0, 0.0, 0.0, 0.5)),
        ({"user": 0.0, "idle": 0.0}, 0.0, None),
    ],
)
def test_the_machines_time_is_ours_others_stolen_or_idle(
    now: dict[str, float], own_s: float, shares: tuple[float, ...] | None
) -> None:
    before = dict.fromkeys(now, 100.0)
    after = {name: 100.0 + seconds for name, seconds in now.items()}
    assert machine_shares(before, after, own_s) == (None if shares is None else MachineShares(*shares))


def test_the_recorder_samples_the_machine() -> None:
    recorder = PerformanceRecorder(interval_s=0.01, read_gpu=lambda: None)
    recorder.start()
    while mean_shares(recorder.samples) is None:
        sum(range(10_000))
    recorder.stop()
    shares: Any = mean_shares([*recorder.samples, ResourceSample(0.0, 1, 0.0, {})])
    assert 0.0 <= shares.idle <= 1.0
    assert shares.others + shares.stolen + shares.waiting + shares.idle <= 1.0 + 1e-9
