"""What a run shows where there is no terminal."""

from __future__ import annotations

import io

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
