"""Stop and abandon: whose reason counts, and when what is under way is dropped."""

from __future__ import annotations

from datetime import datetime

import pytest

from pipeline.config.areas.run import RunSettings
from pipeline.errors import RunInterrupted
from pipeline.run.signals import RunSignals, stop_moment


@pytest.mark.parametrize(
    ("stops", "reason", "planned"),
    [
        ([("a signal", False)], "a signal", False),
        ([("the clock", True)], "the clock", True),
        ([("the clock", True), ("a signal", False)], "a signal", False),
        ([("a signal", False), ("the clock", True)], "a signal", False),
        ([("a signal", False), ("another", False)], "a signal", False),
        ([("the clock", True), ("the hours", True)], "the clock", True),
    ],
)
def test_the_first_reason_stays_but_a_signals_goes_before_the_clocks(
    stops: list[tuple[str, bool]], reason: str, planned: bool
) -> None:
    signals = RunSignals(RunSettings())
    for told, is_planned in stops:
        signals.stop(told, planned=is_planned)
    assert (signals.reason, signals.planned, signals.stopping.is_set()) == (reason, planned, True)
    assert not signals.abandoned.is_set()
    with pytest.raises(RunInterrupted, match=f"stopped before any call was begun: {reason}"):
        signals.raise_if_stopping()


def test_an_error_ends_the_run_unless_a_stop_has_abandoned_it() -> None:
    signals = RunSignals(RunSettings())
    signals.raise_if_stopping()
    error = OSError("no disk")
    signals.fail(error)
    assert (signals.fatal, signals.reason, signals.planned) == (error, "no disk", False)
    assert signals.stopping.is_set()
    assert signals.abandoned.is_set()
    signals.fail(OSError("what follows from it"))
    assert signals.fatal is error


@pytest.mark.parametrize(
    ("grace_s", "stopped", "abandoned"), [(0.0, True, True), (0.0, False, False), (60.0, True, False)]
)
def test_what_is_under_way_is_dropped_when_the_grace_is_over(grace_s: float, stopped: bool, abandoned: bool) -> None:
    signals = RunSignals(RunSettings(stop_grace_s=grace_s))
    if stopped:
        signals.stop("a signal")
    signals.abandon_when_due()
    signals.abandon_when_due()
    assert signals.abandoned.is_set() is abandoned


@pytest.mark.parametrize(
    ("hours", "used_s", "reason"),
    [
        (None, 1e6, None),
        (2.0, 7100.0, None),
        (2.0, 7300.0, "run.max_hours (2) is used up"),
        (0.5, 1900.0, "run.max_hours (0.5) is used up"),
    ],
)
def test_the_hours_are_counted_from_the_begin(hours: float | None, used_s: float, reason: str | None) -> None:
    signals = RunSignals(RunSettings(max_hours=hours))
    signals.began -= used_s
    signals.check_clock()
    assert (signals.reason, signals.planned) == (reason, reason is not None)


@pytest.mark.parametrize(
    ("stop_time", "wanted"),
    [
        (None, None),
        ("13:30", datetime(2026, 9, 14, 13, 30)),
        ("12:15", datetime(2026, 9, 15, 12, 15)),
        ("12:14", datetime(2026, 9, 15, 12, 14)),
        ("00:05", datetime(2026, 9, 15, 0, 5)),
    ],
)
def test_the_stop_time_is_the_next_one_after_now(stop_time: str | None, wanted: datetime | None) -> None:
    now = datetime(2026, 9, 14, 12, 15, 0, 1)
    assert stop_moment(RunSettings(stop_time=stop_time), now) == (wanted and wanted.timestamp())
    if stop_time is not None:
        signals = RunSignals(RunSettings(stop_time=stop_time))
        signals.stop_at = 0.0
        signals.check_clock()
        assert (signals.reason, signals.planned) == (f"the stop time {stop_time} has come", True)
