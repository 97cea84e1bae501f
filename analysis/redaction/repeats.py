"""Numbers that were taken once and are said again, anywhere in the call: whole, their last digits, in other words.

`Four four seven one oh nine` - … - `so that's account 447109`, `the one ending in 7109`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from analysis.redaction.digit_runs import NUMBER_WORDS, REPEATS
from analysis.redaction.name_lists import everyday_words
from analysis.redaction.runs import ORDINALS, Run
from analysis.redaction.spans import PersonalSpan
from analysis.redaction.talk import Talk

_NAMES = frozenset(("CARD", "CODE", "PHONE", "IBAN", "ID", "ACCOUNT", "REFERENCE"))
_LEAST = 4
_LAST = 4
"""As many digits as an ending is said with."""
_YEAR = re.compile(r"(?:19|20)\d\d")
_WORD = re.compile(r"[^\W\d_]{4,}")
_MOST = 40
"""Digits and letters of the longest value."""
_RANK = 9
_NUMBERS = frozenset().union(*NUMBER_WORDS.values(), *ORDINALS.values(), REPEATS)


def find_repeats(talk: Talk, found: Sequence[PersonalSpan]) -> Iterator[PersonalSpan]:
    """`found`: without overlaps, in order. What it covers gives the values; linear in the length of the talk."""
    yield from _passwords(talk, found)
    for language in talk.languages:
        runs = [run for of_turn in talk.runs(language) for run in of_turn]
        named = _values(runs, found)
        for run in runs:
            name = named.get(run.said)
            if name is not None and not run.counted and not run.amount and not run.days:
                yield PersonalSpan(run.start, run.end, name, _RANK)


def _passwords(talk: Talk, found: Sequence[PersonalSpan]) -> Iterator[PersonalSpan]:
    """Words that were taken as a password, wherever they are said again."""
    said = [word for span in found if span.name == "CODE" for word in _WORD.findall(talk.text, span.start, span.end)]
    secret = {word.casefold() for word in said} - everyday_words() - _NUMBERS
    for turn in talk.turns:
        for word in turn.words:
            if word.text in secret:
                yield PersonalSpan(word.start, word.end, "CODE", _RANK)


def _values(runs: Sequence[Run], found: Sequence[PersonalSpan]) -> dict[str, str]:
    """What was taken, as digits and letters, with the name of its placeholder: parts, wholes and their ends."""
    starts = [span.start for span in found]
    values: dict[str, str] = {}
    whole, whole_name, whole_at = "", "", -1
    for run in runs:
        index = bisect_right(starts, run.start) - 1
        span = found[index] if index >= 0 and found[index].end >= run.end else None
        if span is None or span.name not in _NAMES:
            continue
        if span.name != whole_name or index > whole_at + 1:
            whole = ""
        whole, whole_name, whole_at = (whole + run.said)[-_MOST:], span.name, index
        for value in (run.said, whole, run.said[-_LAST:], whole[-_LAST:]):
            if len(value) >= _LEAST and not _YEAR.fullmatch(value) and any(map(str.isdigit, value)):
                values.setdefault(value, span.name)
    return values
