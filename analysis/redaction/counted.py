"""What makes a dictated number an amount, a time or a count: the words and marks beside it.

A number that identifies something (a card, an account) has no article, stands behind no `at` or `between`, and counts
no things. Only short numbers said in one or two parts can be times and counts: nine single digits in a row are neither.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from analysis.redaction.around import OWN_WORDS
from analysis.redaction.spans import word_set
from analysis.redaction.turns import Turn
from analysis.redaction.units import UNITS
from analysis.text import stop_words

_COUNTERS = word_set(
    "next last first final other another letzten nächsten derniers prochains últimos which these those"
)
_MONEY_BEFORE = re.compile(r"[$€£¥]\s?$")
_MARK_AFTER = re.compile(r"\s?[%$€£¥°]|[:.,]\d")
_AMOUNT = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d{1,6}\.\d{1,2}")
_SENTENCE_END = re.compile(r"[.?!;]\s")
_ARTICLES = word_set("a an the")
_CLOCK = word_set("past half quarter um halb viertel nach vor à vers après avant hasta desde")
_BEFORE_AMOUNTS = word_set(
    """at after before until till til by around about approximately roughly nearly almost between over under than only
    just past half quarter the a an another every each vers après avant entre environ um gegen nach vor zwischen ab bis
    sobre hasta entre desde las"""
)
"""No identifier follows these at once."""
_LABELS = word_set(
    """option options channel channels row seat room floor gate platform step page question size zone level tier chapter
    version window lane bay terminal number's line junction exit week day year grade stage"""
)
"""A number behind these numbers a thing."""
_NO_PLURALS = word_set(
    """is was this his its yes thanks does has as us plus minus always perhaps besides unless across towards afterwards
    sometimes less years pass guess address gas bus class business princess pass yours ours theirs hers"""
)
_MOST_COUNT = 4


def is_counted(text: str, turn: Turn, first: int, last: int) -> bool:
    """A unit, a sign of money, a colon stands beside it."""
    words = turn.words
    after = words[last + 1].text if last + 1 < len(words) and not _ends_sentence(text, turn, last) else ""
    before = words[first - 1].text if first else ""
    start, end = words[first].start, words[last].end
    return (
        after in UNITS
        or (before in _COUNTERS and last - first < 2)
        or _MONEY_BEFORE.search(text[max(0, start - 3) : start]) is not None
        or (_MARK_AFTER.match(text, end) is not None)
        or text[max(0, start - 1) : start] == ":"
    )


def _ends_sentence(text: str, turn: Turn, index: int) -> bool:
    """`No, four six two. Account is …`"""
    return _SENTENCE_END.search(text, turn.words[index].end, turn.words[index + 1].start) is not None


def is_amount(text: str, turn: Turn, first: int, last: int, groups: Sequence[str]) -> bool:
    """Written as one, or said as a time or an amount is: `the seven fifteen`, `between five and six`, `option two`."""
    words = turn.words
    if _AMOUNT.fullmatch(text, words[first].start, words[last].end):
        return True
    if not first or not _is_short(groups):
        return False
    before = words[first - 1]
    joined = not text[before.end : words[first].start].strip(" ")
    if before.text in _ARTICLES and groups[0].startswith("0"):
        return False  # or is that a zero nine
    return joined and before.text in _BEFORE_AMOUNTS | _LABELS | _CLOCK


def is_count_of_things(turn: Turn, last: int, groups: Sequence[str]) -> bool:
    """`three boxes`, `twelve chairs`: a plural follows."""
    if not _is_short(groups) or last + 1 == len(turn.words):
        return False
    after = turn.words[last + 1].text
    plural = len(after) > 3 and after.endswith("s") and not after.endswith(("ss", "us", "is", "'s"))
    return plural and after not in OWN_WORDS | _NO_PLURALS and after not in stop_words("en")


def _is_short(groups: Sequence[str]) -> bool:
    """`five`, `7 15`, `250`: as times and counts are said, and hardly ever a number that identifies something."""
    if len(groups) == 1:
        return len(groups[0]) <= _MOST_COUNT
    return len(groups) == 2 and len(groups[0]) <= 2 and len(groups[1]) <= 2
