"""When it is time again."""

from __future__ import annotations

from pipeline.pace import Pace


def test_it_is_due_at_once_and_then_when_its_seconds_have_gone_by() -> None:
    clock = iter((100.0, 101.0, 104.9, 105.0, 109.9, 112.0, 116.9, 117.0))
    pace = Pace(5.0, lambda: next(clock))
    assert [pace.is_due() for _ in range(8)] == [True, False, False, True, False, True, False, True]
