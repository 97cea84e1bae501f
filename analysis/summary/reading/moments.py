"""Moments and terms as people say them: "by Friday", "within three days", "before five" (English)."""

from __future__ import annotations

import re
from collections.abc import Iterator

_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_NTH = (
    r"(?:\d{1,2}(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|\w+teenth"
    r"|(?:twenty|thirty)(?:[ -]\w+)?(?:st|nd|rd|th|first|second|third)|twentieth|thirtieth)"
)
_COUNT = (
    r"(?:\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fourteen|fifteen|twenty|thirty|forty|sixty"
    r"|twenty[ -]four|forty[ -]eight|a few|a couple of|the next few|several)"
)
_CLOCK = (
    r"(?:(?:half past |quarter (?:past|to) )?(?:\d{1,2}(?:[:.]\d{2})?|one|two|three|four|five|six|seven|eight|nine|ten"
    r"|eleven|twelve)(?:[ -](?:thirty|fifteen|forty[ -]five))?(?: ?[ap]\.? ?m\b\.?| o'clock)?|noon|midday|midnight)"
)
_LEAD = r"(?:(?:by|on|before|until|within|in|at|this|next|from|after|no later than)\s+)?(?:the\s+)?"
_PART_OF_DAY = "(?: (?:morning|afternoon|evening|night|noon))?"
_WHEN = re.compile(
    rf"\b{_LEAD}(?:end of (?:(?:the|this|next) (?:day|week|month|year)|{_MONTHS})"
    rf"|(?:next\s+)?(?:{_DAYS}){_PART_OF_DAY}(?:,? the {_NTH})?"
    rf"|(?:next|this|coming) (?:week|month|morning|afternoon|evening|weekend)"
    rf"|(?:{_MONTHS}) (?:the )?(?:{_NTH}|\d{{1,2}})\b|{_NTH} of (?:{_MONTHS})"
    rf"|(?:later )?tomorrow{_PART_OF_DAY}|(?:later )?today|tonight|right (?:away|now)|straight away|immediately"
    rf"|(?:within |in )(?:the next )?(?:{_COUNT} (?:to {_COUNT} |or {_COUNT} )?)?"
    r"(?:minutes?|hours?|(?:working |business )?days?|weeks?|months?))\b"
    rf"|\b(?:by|before|at|around|until) {_CLOCK}(?![\w$%])(?! (?:dollars|pounds|euros|percent))",
    re.IGNORECASE,
)  # fmt: skip
_BARE = frozenset({"the week", "the month", "second", "the second"})


def by_when(text: str) -> str | None:
    """The first moment or term in the text, as it was said."""
    return next(moments(text), None)


def moments(text: str) -> Iterator[str]:
    """Each moment or term in the text, as it was said."""
    for match in _WHEN.finditer(text.replace("’", "'")):
        if match.group(0).casefold().strip() not in _BARE:
            yield match.group(0).strip()
