"""What a run shows where there is no terminal."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from commands.console import Terminal
from commands.run.observer import ConsoleObserver
from pipeline.records import CallStatus, FoundCall

CALL = FoundCall(source_uri="file:///a.wav", file_name="a.wav", size_bytes=1, modified_at=None)


@pytest.mark.parametrize(
    ("planned", "said"),
    [(4, "2/4 calls, 0 failed, about 0 min left"), (0, "2 calls, 0 failed"), (1, "2 calls, 0 failed")],
)
def test_a_worker_that_stays_names_no_time_left(planned: int, said: str) -> None:
    """`run.py serve` showed "1/0 calls, 0 failed, about -1 min left": its worker begins with nothing to do."""
    shown = io.StringIO()
    observer = ConsoleObserver(Terminal(shown), line_every_s=0)
    observer.planned(planned, 0)
    for _ in range(2):
        observer.call_finished(CALL, CallStatus.DONE, "")
    assert shown.getvalue().splitlines()[-1] == said


def test_calls_that_are_not_done_count_as_failed_and_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    shown = io.StringIO()
    observer = ConsoleObserver(Terminal(shown), line_every_s=0)
    with caplog.at_level("INFO", logger="earshot.run"), observer:
        observer.planned(1000, 2_500_000)
        observer.call_finished(CALL, CallStatus.DONE, "mono")
        observer.call_finished(replace(CALL, file_name="b\x1b.wav"), CallStatus.FAILED, "")
        observer.notice("look at this")
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("INFO", "to do: 1,000 calls, 2.5 MB"),
        ("INFO", "a.wav: done (mono)"),
        ("WARNING", "b\\u001b.wav: failed"),
        ("WARNING", "look at this"),
    ]
    assert shown.getvalue().splitlines()[-1].startswith("2/1,000 calls, 1 failed, about ")


def test_lines_come_now_and_then_and_not_for_every_call() -> None:
    shown = io.StringIO()
    observer = ConsoleObserver(Terminal(shown), line_every_s=3600)
    observer.planned(2, 0)
    observer.call_finished(CALL, CallStatus.DONE, "")
    assert shown.getvalue() == ""
