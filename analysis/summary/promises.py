"""Action items a call's own words hold: promises, verbatim."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analysis.records import ActionItem
from analysis.summary.extractive import Line
from pipeline.records import Role

LANGUAGES = frozenset({"en"})
"""Promises are told by their wording: only in these languages."""

_SOMEONE_WILL = r"\b(?:i|we)(?:'ll|'m going to| will| am going to| are going to|'re going to| shall)\s+"
# "I'll be happy to help", "I'll just check that", "I'll have a look": said in every call, promised in none.
_NO_PROMISE = (
    r"be happy|be glad|be able|help you|see|do my best|let you go|just\b.{0,12}\bcheck|check|have a look|take a look"
    r"|need|look(?! into)|try|not|never|hold|wait|ask you|have to|think|stay|go with|take it"
)
_DONE_FOR_YOU = "sent|credited|refunded|delivered|shipped|blocked|replaced|transferred|emailed|posted"
_PROMISE = re.compile(
    rf"{_SOMEONE_WILL}(?!(?:{_NO_PROMISE})\b)\w"
    r"|\byou(?:'ll| will| are going to|'re going to) (?:receive|get|hear|have)\b"
    rf"|\b(?:will be|is being|going to be) (?:{_DONE_FOR_YOU})\b"
    r"|\b(?:a|our|the) (?:technician|engineer|colleague|manager|specialist)(?: will|'ll)\b",
    re.IGNORECASE,
)
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_LEAD = r"(?:(?:by|on|before|until|within|in|at|this|next|from|no later than)\s+)?(?:the\s+)?"
_PART_OF_DAY = "(?: (?:morning|afternoon|evening))?"
_WHEN = re.compile(
    rf"\b{_LEAD}(?:end of (?:the|this|next) (?:day|week|month)"
    rf"|(?:next\s+)?(?:{_DAYS}|week|month){_PART_OF_DAY}"
    rf"|tomorrow{_PART_OF_DAY}|today|tonight|right away|straight away|immediately"
    r"|(?:within |in )(?:the next )?(?:\w+(?: to \w+)? )?"
    r"(?:minutes?|hours?|(?:working |business )?days?|weeks?|months?))\b",
    re.IGNORECASE,
)
_BARE = frozenset({"week", "month", "the week", "the month"})


def promises(lines: Sequence[Line], language: str | None, limit: int) -> tuple[ActionItem, ...]:
    """Lines in which someone promises something, as they were said, in order of time; who, and by when if said."""
    if language not in (None, *LANGUAGES):
        return ()
    found: dict[str, ActionItem] = {}
    for line in lines:
        text = line.text.strip().replace("’", "'")
        if text.endswith("?") or not _PROMISE.search(text):
            continue
        who = line.chunk.role.value if line.chunk.role != Role.UNKNOWN else None
        found.setdefault(text.casefold(), ActionItem(what=line.text.strip(), who=who, by_when=_by_when(text)))
    return tuple(found.values())[:limit]


def _by_when(text: str) -> str | None:
    for match in _WHEN.finditer(text):
        if match.group(0).casefold().strip() not in _BARE:
            return match.group(0).strip()
    return None
