"""Checks: the worst counts, one that hangs is an answer, and nobody's threads pile up."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.presence import ProviderUse, SeenWorker
from service.monitoring.checks import Check, Examination, Finding, State, ready, worst
from service.monitoring.standing import judged, room_in
from tests.waiting import PATIENCE_S, until


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        ((), State.READY),
        ((State.READY, State.READY), State.READY),
        ((State.READY, State.DEGRADED), State.DEGRADED),
        ((State.UNREADY, State.DEGRADED), State.UNREADY),
    ],
)
def test_the_worst_finding_counts(states: tuple[State, ...], whole: State) -> None:
    assert worst({str(place): Finding(state, "") for place, state in enumerate(states)}) == whole


def test_a_check_that_hangs_is_told_and_begun_only_once() -> None:
    hanging, begun = threading.Event(), []

    def hang() -> Finding:
        begun.append(1)
        hanging.wait(PATIENCE_S)
        return ready("after all")

    examination = Examination(
        [Check("slow", hang, State.UNREADY), Check("quick", lambda: ready("fine"), State.UNREADY)], 0.05
    )
    try:
        for _ in range(3):
            assert examination.look()["slow"] == Finding(State.UNREADY, "no answer within 0.05 s")
        until(lambda: examination.look()["quick"] == ready("fine"))  # even that takes longer on a busy machine
        assert len(begun) == 1
    finally:
        hanging.set()


def test_an_error_in_a_check_is_named_by_its_type_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Anybody may read /readyz: the message, with its host name, is for the log."""

    def broken() -> Finding:
        raise ConnectionError("10.1.2.3 refused")

    with caplog.at_level(logging.WARNING):
        found = Examination([Check("database", broken, State.UNREADY)], 5.0).look()
    assert found == {"database": Finding(State.UNREADY, "ConnectionError")}
    assert "10.1.2.3" in caplog.text


def test_a_change_for_the_worse_and_back_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    found = [ready(""), Finding(State.DEGRADED, "no worker"), Finding(State.DEGRADED, "no worker"), ready("back")]
    examination = Examination([Check("workers", lambda: found.pop(0), State.DEGRADED)], 5.0)
    with caplog.at_level(logging.WARNING):
        for _ in range(4):
            examination.look()
    assert [record.getMessage() for record in caplog.records] == [
        "workers is degraded: no worker",
        "workers is ready: back",
    ]


@pytest.mark.parametrize(("least_gb", "state"), [(0.0, State.READY), (1e9, State.UNREADY)])
def test_room_on_a_disk_counts_also_where_the_folder_is_still_to_be_made(
    tmp_path: Path, least_gb: float, state: State
) -> None:
    assert room_in(tmp_path / "not" / "yet", least_gb).state == state


def worker(
    *, demonstration: bool = False, silent: bool | None = None, engine: bool = True, trouble: str | None = None
) -> SeenWorker:
    providers = {} if silent is None else {"openai_chat": ProviderUse(3, 1, silent)}
    return SeenWorker(
        host="a",
        started_at=datetime.now(UTC),
        silent_s=1.0,
        engine=("sphinx" if demonstration else "faster_whisper") if engine else None,
        model="m",
        demonstration=demonstration,
        passed_over=0,
        providers=providers,
        trouble=trouble,
    )


@pytest.mark.parametrize(
    ("workers", "state", "says"),
    [
        ([], State.DEGRADED, "no worker"),
        ([worker()], State.READY, "1 worker, faster_whisper"),
        ([worker(), worker(demonstration=True)], State.DEGRADED, "demonstration"),
        ([worker(silent=True)], State.DEGRADED, "openai_chat did not answer"),
        ([worker(silent=False)], State.READY, "1 worker"),
        ([worker(trouble="ModelUnavailable")], State.DEGRADED, "ended by ModelUnavailable"),
        ([worker(engine=False), worker(trouble="ModelUnavailable")], State.DEGRADED, "ended by ModelUnavailable"),
        ([worker(), worker(trouble="ModelUnavailable")], State.READY, "1 worker, faster_whisper"),
    ],
)
def test_workers_are_judged_by_what_serves_them(workers: list[SeenWorker], state: State, says: str) -> None:
    found = judged(workers, 30.0)
    assert found.state == state
    assert says in found.detail
