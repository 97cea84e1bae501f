"""Action items a call's own words hold: promises, verbatim, with who and by when."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from analysis.records import ActionItem
from analysis.summary.reading.promising import POINTS_BACK, promising_clauses
from analysis.summary.reading.readings import Reading, read
from analysis.summary.reading.sentences import sentences_of
from analysis.summary.reading.wording import LANGUAGES, Act
from pipeline.records import Role, TranscriptChunk

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


def promises_in(chunks: Sequence[TranscriptChunk], language: str | None, limit: int) -> tuple[ActionItem, ...]:
    """The promises of a call; none in a language whose wording is not known. A language of None counts as English."""
    if language is not None and language.partition("-")[0].lower() not in LANGUAGES:
        return ()
    return promises(read(sentences_of(chunks), None), limit)


def promises(readings: Sequence[Reading], limit: int) -> tuple[ActionItem, ...]:
    """What is promised in the call, as it was said, in order of time; who, and by when if said."""
    found: dict[str, ActionItem] = {}
    for one in readings:
        clauses = promising_clauses(one, readings)
        before = _told_of(one, readings) if clauses else None
        if before is not None:
            found.pop(before.text.casefold(), None)
            clauses[0] = f"{before.text} {clauses[0]}"
        for clause in clauses:
            who = one.sentence.role.value if one.sentence.role is not Role.UNKNOWN else None
            found.setdefault(clause.casefold(), ActionItem(what=clause, who=who, by_when=by_when(clause)))
    return tuple(found.values())[:limit]


def _told_of(one: Reading, readings: Sequence[Reading]) -> Reading | None:
    """The sentence that names what a promise points back to: "I've sent another one, it'll be with you on Friday"."""
    before = readings[one.place - 1] if one.place else None
    if before is None or before.sentence.turn != one.sentence.turn or not POINTS_BACK.match(one.text):
        return None
    return before if before.acts & {Act.PROMISE, Act.RESULT} and not before.sentence.asks else None


def by_when(text: str) -> str | None:
    """The first moment or term in the text, as it was said."""
    return next(moments(text), None)


def moments(text: str) -> Iterator[str]:
    """Each moment or term in the text, as it was said."""
    for match in _WHEN.finditer(text.replace("’", "'")):
        if match.group(0).casefold().strip() not in _BARE:
            yield match.group(0).strip()
