"""How a run ends: its exit code, what is said of it, and the signals that end it early."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from commands.exit_codes import ExitCode
from commands.run.command import end_run, exit_code_after, signals_stop, tell_of_faults
from pipeline.config.areas.run import RunSettings
from pipeline.errors import DatabaseUnavailable
from pipeline.run.planning.plan import Plan
from pipeline.run.reconcile import COUNTED, Reconciliation
from pipeline.run.signals import RunSignals
from tests.commands.report.test_attention import result_of

NOTHING = dict.fromkeys(("found", *COUNTED), 0)


@pytest.mark.parametrize(
    ("interrupted", "failed", "missing", "attention", "code"),
    [
        (False, False, False, False, ExitCode.DONE),
        (False, False, False, True, ExitCode.LOOK),
        (False, True, False, True, ExitCode.CALLS_FAILED),
        (False, False, True, False, ExitCode.CALLS_FAILED),
        (True, True, True, True, ExitCode.INTERRUPTED),
    ],
)
def test_the_worst_of_a_run_decides_its_exit_code(
    interrupted: bool, failed: bool, missing: bool, attention: bool, code: ExitCode
) -> None:
    result = result_of(Plan())
    result.tally.failed += failed
    account = Reconciliation(counts=NOTHING | {"found": int(missing)})
    result = replace(result, reconciliation=account, interrupted="SIGTERM received" if interrupted else None)
    assert exit_code_after(result, {"attention": ["look"] if attention else []}) is code
    assert exit_code_after(result, {}) is (ExitCode.DONE if code is ExitCode.LOOK else code)


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        (0, []),
        (2, ["the counts do not add up: found 2, accounted for 0; u0; u1"]),
        (19, ["the counts do not add up: found 19, accounted for 0; " + "; ".join(f"u{n}" for n in range(19))]),
        (20, ["the counts do not add up: found 20, accounted for 0; " + "; ".join(f"u{n}" for n in range(19)),
              "and 1 more fault: file_statuses_*.json names them"]),
        (30, ["the counts do not add up: found 30, accounted for 0; " + "; ".join(f"u{n}" for n in range(19)),
              "and 11 more faults: file_statuses_*.json names them"]),
    ],
)  # fmt: skip
def test_of_many_faults_the_first_are_told(missing: int, told: list[str], caplog: pytest.LogCaptureFixture) -> None:
    account = Reconciliation(
        counts=NOTHING | {"found": missing}, disagreements=tuple(f"u{number}" for number in range(missing))
    )
    tell_of_faults(replace(result_of(Plan()), reconciliation=account))
    assert [(record.levelno, record.message) for record in caplog.records] == [(logging.ERROR, line) for line in told]


def test_a_run_that_was_stopped_says_that_the_next_one_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    tell_of_faults(replace(result_of(Plan()), interrupted="SIGINT received"))
    assert [record.message for record in caplog.records] == [
        "stopped before the end: SIGINT received; the next run continues from there"
    ]


class Store:
    def __init__(self, error: Exception | None) -> None:
        self.ended: list[tuple[Any, ...]] = []
        self._error = error

    def end_run(self, run_id: str, exit_code: int, counts: Mapping[str, int], report: Mapping[str, object]) -> None:
        self.ended.append((run_id, exit_code, counts, report))
        if self._error is not None:
            raise self._error


@pytest.mark.parametrize(
    ("error", "told"),
    [(None, []), (DatabaseUnavailable("gone"), ["the end of the run could not be recorded: gone"])],
)
def test_the_end_is_recorded_or_it_is_told_why_not(
    error: Exception | None, told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(error)
    end_run(store, "r-1", ExitCode.LOOK, {"found": 1}, {"a": 2})
    assert store.ended == [("r-1", 5, {"found": 1}, {"a": 2})]
    assert [record.message for record in caplog.records] == told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_stops_and_the_second_drops_what_is_under_way(number: signal.Signals) -> None:
    signals, before = RunSignals(RunSettings()), signal.getsignal(number)
    seen = []
    with signals_stop(signals):
        for _ in range(2):
            os.kill(os.getpid(), number)
            seen.append((signals.stopping.is_set(), signals.abandoned.is_set(), signals.reason, signals.planned))
    reason = f"{number.name} received"
    assert seen == [(True, False, reason, False), (True, True, reason, False)]
    assert signal.getsignal(number) is before
