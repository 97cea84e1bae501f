"""Scorecards: weighted sets of rules."""

from __future__ import annotations

from collections.abc import Mapping

from analysis.records import Answer, ScorecardAnswer, ScorecardResult
from analysis.rules.book import Item, Scorecard
from analysis.rules.verdicts import Holds, Unknown, Verdict


def score(card: Scorecard, verdicts: Mapping[str, Verdict]) -> ScorecardResult:
    """A call by its verdicts on every rule. What cannot be judged, or does not apply, counts neither way."""
    answers = tuple(_answer(item, verdicts[item.rule]) for item in card.items)
    applying = sum(answer.weight for answer in answers if answer.answer is not Answer.NOT_APPLICABLE)
    good = sum(answer.weight for answer in answers if answer.answer is Answer.YES)
    failed = tuple(answer.item for answer in answers if answer.critical and answer.answer is Answer.NO)
    share = round(good / applying, 4) if applying else None
    return ScorecardResult(
        scorecard=card.name,
        title=card.title,
        score=share,
        passed=None if share is None else share >= card.pass_mark and not failed,
        failed_critical=failed,
        answers=answers,
    )


def _answer(item: Item, verdict: Verdict) -> ScorecardAnswer:
    if isinstance(verdict, Unknown):
        answer = Answer.NOT_APPLICABLE
    else:
        answer = Answer.YES if isinstance(verdict, Holds) == (item.good_when == "holds") else Answer.NO
    shown = verdict if isinstance(verdict, Holds) else None
    return ScorecardAnswer(
        item=item.rule,
        question=item.question,
        answer=answer,
        weight=item.weight,
        critical=item.critical,
        reason=verdict.reason,
        quote=shown.quote if shown else None,
        role=shown.role if shown else None,
        start_s=round(shown.start_s, 3) if shown and shown.start_s is not None else None,
    )
