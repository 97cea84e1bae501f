"""Numbers of orders, bookings, claims, tickets and parcels, where `redaction.kinds` has `reference`."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.redaction.other_numbers import Others
from analysis.redaction.questions import Asked
from analysis.redaction.runs import DATE, Run
from analysis.redaction.spans import PersonalSpan
from analysis.redaction.talk import Talk

_LEAST = 3
_RANK = 7
"""Before what is only known to identify something, behind every form and announcement."""


def find_references(talk: Talk, others: Others) -> Iterator[PersonalSpan]:
    """What is dictated where a reference was asked for or announced."""
    for language in talk.languages:
        for runs in talk.runs(language):
            for run in runs:
                other = others.covering(run.start)
                if other is not None and other.asked is Asked.REFERENCE and _refers(talk.text, run):
                    yield PersonalSpan(run.start, run.end, "REFERENCE", _RANK)


def _refers(text: str, run: Run) -> bool:
    """It is no amount, count or day."""
    if run.days or run.amount or run.counted or DATE.fullmatch(text, run.start, run.end):
        return False
    return len(run.said) >= _LEAST and bool(run.digits or run.is_spelled)
