"""Numbers that answer a question no phrase knows: `Read me what's on the tag.` - `Four four seven one oh nine.`

Nobody can list all questions for a number, so here the answer decides. Who was asked for something and says four digits
or more as no amount, time, year or count is said, identifies something with them. Questions that are known to be for
something harmless (a reading, an order, how many) are left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from analysis.redaction.answers import Situation
from analysis.redaction.around import asks_something
from analysis.redaction.questions import NOT_OF_A_PERSON, Asked, Phrase
from analysis.redaction.runs import DATE, Run
from analysis.redaction.spans import word_set
from analysis.redaction.turns import Turn

_TURNS_LEFT = 4
_LEAST, _LEAST_WITHIN_WORDS = 4, 6
_LEAST_SPELLED = 3
"""Words of a dictated stretch with letters: `USB 3` is a name."""
_REQUESTS = word_set(
    """please need needs needed want wants require requires looking give read tell confirm enter say quote provide type
    key spell ready whenever pop take taking groups listening s'il donnez bitte geben brauche nennen dígame necesito"""
)
_NUMBERS = word_set("number numbers code codes digits figures id pin reference characters numéro nummer número")
_OF_AMOUNTS = word_set("hundred thousand million billion dozen half quarter cent cents mille hundert tausend cien mil")
_YEAR = re.compile(r"(?:19|20)\d\d")
_YEAR_DIGITS, _DAY_AND_YEAR = 4, 5
_LONG_AGO = re.compile(r"19\d\d|200\d")
_HARMLESS = (Asked.HARMLESS, *NOT_OF_A_PERSON)


class UnnamedQuestion:
    """Whether something is asked for, whatever it is, and by whom."""

    def __init__(self) -> None:
        self._asker: str | None = None
        self._turns_left = 0

    def hear(self, text: str, turn: Turn, phrases: Sequence[Phrase], *, gives: bool) -> None:
        """A turn has ended. `gives`: there are numbers in it."""
        self._turns_left -= 1
        words = _REQUESTS if gives else _REQUESTS | _NUMBERS
        asked = asks_something(text, turn) or any(word.text in words for word in turn.words)
        if any(phrase.asked in _HARMLESS for phrase in phrases):
            self._turns_left = 0
        elif asked and turn.spoken:
            self._asker, self._turns_left = turn.role, _TURNS_LEFT

    def is_answered(self, text: str, turn: Turn, run: Run, situation: Situation) -> bool:
        """Whether this stretch identifies something, and is said by who was asked."""
        if self._turns_left <= 0 or turn.role is None or turn.role == self._asker:
            return False
        return identifies(text, turn, run, bare=situation.bare)


def identifies(text: str, turn: Turn, run: Run, *, bare: bool) -> bool:
    """It is said as a number of its own, not as an amount, a time, a day, a year or a count.

    Args:
        bare: nothing else is said in its turn; then a shorter one will do.
    """
    if run.days or run.amount or run.counted or DATE.fullmatch(text, run.start, run.end):
        return False
    if any(word.text in _OF_AMOUNTS for word in turn.words[run.first : run.last + 1]):
        return False
    if run.letters:
        return bare and bool(run.digits) and len(run.said) >= _LEAST and run.last - run.first + 1 >= _LEAST_SPELLED
    if all(_YEAR.fullmatch(group) for group in run.groups):
        return False
    pair = len(run.groups) == 2 and all(len(group) <= 2 for group in run.groups)  # twelve ninety-nine
    single = all(len(group) == 1 for group in run.groups)
    return not pair and len(run.digits) >= (_LEAST if bare or single else _LEAST_WITHIN_WORDS)


def is_long_ago(text: str, run: Run) -> bool:
    """A whole day of the years 1900 to 2009: hardly any other in a call than somebody's birth."""
    named = run.days >= 2 or (run.days == 1 and len(run.digits) >= _DAY_AND_YEAR)
    written = DATE.fullmatch(text, run.start, run.end) is not None
    if run.letters or not (named or written):
        return False
    return any(_LONG_AGO.fullmatch(part) for part in (*run.groups, run.digits[-_YEAR_DIGITS:]))
