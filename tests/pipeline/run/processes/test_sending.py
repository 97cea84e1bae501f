"""How many windows the recogniser's process is sent ahead."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.run.processes.recogniser_process import _SENT_AT_ONCE, RecogniserProcess


@pytest.mark.parametrize(("sent", "priority", "may"), [(-1, 0, True), (0, 0, False), (0, 1, True), (5, 1, True)])
def test_windows_are_sent_some_ahead_and_urgent_ones_at_once(sent: int, priority: int, may: bool) -> None:
    """`sent`: how many more than `_SENT_AT_ONCE` are with the process."""
    process: Any = object.__new__(RecogniserProcess)
    process._sent = dict.fromkeys(map(str, range(_SENT_AT_ONCE + sent)))
    assert process._may_send(SimpleNamespace(priority=priority)) is may
