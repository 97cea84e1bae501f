"""Scorecards: what counts, what does not, and what makes a call fail."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.records import Answer
from analysis.rules.book import Scorecard
from analysis.rules.scorecards import score
from analysis.rules.verdicts import Fails, Holds, Unknown, Verdict

VERDICTS: dict[str, Verdict] = {
    "greeting": Holds(reason="said", quote="Hello, this is Tom.", start_s=1.23456),
    "rude": Holds(reason="said"),
    "polite": Fails("not said"),
    "unheard": Unknown("not known"),
}


def card(*items: dict[str, Any], pass_mark: float = 0.8) -> Scorecard:
    asked = [{"question": "Is it?", **item} for item in items]
    return Scorecard.model_validate({"name": "card", "title": "Card", "pass_mark": pass_mark, "items": asked})


@pytest.mark.parametrize(
    ("items", "share", "passed", "failed"),
    [
        ([{"rule": "greeting"}], 1.0, True, ()),
        ([{"rule": "polite"}], 0.0, False, ()),
        ([{"rule": "polite", "good_when": "fails"}], 1.0, True, ()),
        ([{"rule": "rude", "good_when": "fails"}], 0.0, False, ()),
        ([{"rule": "greeting", "weight": 3}, {"rule": "polite"}], 0.75, False, ()),
        ([{"rule": "greeting", "weight": 4}, {"rule": "polite"}], 0.8, True, ()),
        ([{"rule": "greeting", "weight": 9}, {"rule": "polite", "critical": True}], 0.9, False, ("polite",)),
        ([{"rule": "greeting"}, {"rule": "unheard", "weight": 9, "critical": True}], 1.0, True, ()),
        ([{"rule": "unheard"}], None, None, ()),
    ],
)
def test_a_score_is_the_share_of_what_applies(
    items: list[dict[str, Any]], share: float | None, passed: bool | None, failed: tuple[str, ...]
) -> None:
    result = score(card(*items), VERDICTS)
    assert (result.score, result.passed, result.failed_critical) == (share, passed, failed)


def test_an_answer_has_what_shows_it() -> None:
    yes, no, unknown = score(card({"rule": "greeting"}, {"rule": "polite"}, {"rule": "unheard"}), VERDICTS).answers
    assert (yes.answer, yes.quote, yes.start_s) == (Answer.YES, "Hello, this is Tom.", 1.235)
    assert (no.answer, no.quote, no.reason) == (Answer.NO, None, "not said")
    assert (unknown.answer, unknown.reason) == (Answer.NOT_APPLICABLE, "not known")
