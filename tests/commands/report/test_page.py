"""What the page says in words."""

from __future__ import annotations

import pytest

from commands.report.build import failed_calls
from commands.report.page import page
from pipeline.run.context import Tally
from pipeline.run.plan import Plan
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
