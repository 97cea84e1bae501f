"""What an answer of each kind looks like, and whether a dictated stretch is part of the answer that is waited for.

Three things decide: who says it (the side that was asked answers, the side that asks only reads back), whether the
answer is whole already (then only a correction or a repetition belongs to it), and the form of the stretch itself (an
amount, a time or a count is none).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from analysis.redaction.questions import Asked
from analysis.redaction.runs import Run


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer of a kind looks like. Sizes are in digits and letters."""

    name: str
    """Of its placeholder."""
    setting: str
    """Of `redaction.kinds`."""
    least: int
    """Size of a whole answer within other words."""
    most: int
    """Size of all parts of one answer."""
    full: int
    """From this size on an answer may be whole."""
    surely: int = 0
    """From this size on it is: what comes after other talk is something else. 0: the same size."""
    piece: int = 2
    """Least size of a part that is a turn of its own."""
    letters: bool = False
    date: bool = False
    rank: int = 2
    """Of its spans: what is only known to identify something gives way to what is known by its form."""


ANSWERS = {
    Asked.CARD: Answer("CARD", "card", 4, 20, full=12, surely=15),
    Asked.EXPIRY: Answer("CARD", "card", 3, 6, full=3, date=True),
    Asked.CVV: Answer("CARD", "card", 3, 4, full=3, piece=3),
    Asked.PIN: Answer("CARD", "card", 3, 8, full=4, piece=3),
    Asked.ONE_TIME_CODE: Answer("CODE", "code", 4, 10, full=4, letters=True),
    Asked.BIRTH: Answer("BIRTH", "date_of_birth", 6, 8, full=6, date=True),
    Asked.SOCIAL: Answer("ID", "national_id", 4, 16, full=4),
    Asked.IDENTITY: Answer("ID", "national_id", 4, 22, full=6, surely=8, letters=True),
    Asked.ACCOUNT: Answer("ACCOUNT", "account_number", 4, 24, full=6, surely=8, letters=True),
    Asked.SORT_CODE: Answer("ACCOUNT", "account_number", 6, 8, full=6),
    Asked.IBAN: Answer("IBAN", "iban", 4, 40, full=15, surely=20, letters=True),
    Asked.PHONE: Answer("PHONE", "phone", 6, 18, full=7, surely=10),
    Asked.UNNAMED: Answer("ACCOUNT", "account_number", 4, 24, full=4, surely=8, piece=3, letters=True, rank=8),
    Asked.POSTCODE: Answer("ADDRESS", "postal_address", 4, 9, full=4, letters=True),
}
_WORDS_LEFT = 40
_TURNS_LEFT = 8
_NEAR_WORDS = 10
_DIRECT = 3
"""Size of a first part that follows its announcement with nothing between."""
_AGAIN = 6
"""Least size of a whole answer that comes once more within other words."""
_REPLACES = 4
"""Least size of a number that replaces one as long without being called a correction."""
_AFTER_OTHER = 3
"""Least size of a part that comes after something else was asked."""
_LAST_DIGITS = (2, 5)
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a dictated stretch is said."""

    role: str | None
    """Of who says it; None where the text does not tell."""
    bare: bool
    """The turn holds nothing but what is dictated and what is said around it."""
    alone: bool
    """The turn holds hardly anything but this stretch."""
    repairs: bool
    """The turn takes something back."""
    ending: bool
    """It follows `ending in`: the last digits of what is known."""
    after_question: bool
    """A question mark stands between what asks and the stretch, in one turn."""


@dataclass(slots=True)
class OpenQuestion:
    """What is being asked for, and what has come so far."""

    asked: Asked
    mention: bool
    """It was only mentioned."""
    asker: str | None = None
    """The role in whose turn it was asked or announced."""
    giver: str | None = None
    """The role that answers, from its first part on."""
    said: str = ""
    """Digits and letters of the answer so far."""
    words_left: int = _WORDS_LEFT
    turns_left: int = _TURNS_LEFT
    near: int = _NEAR_WORDS
    """Words until an answer within other words is too far away to be one."""
    whole: bool = False
    """A date with its year has come: what follows within other words is another one."""
    interrupted: bool = False
    """The other side has said more than `yes` since the last part."""
    closed: bool = False
    """Something else has been asked since the answer may be whole: only a correction still belongs to it."""
    diverted: bool = False
    """Something else has been asked since the last part, before the answer was whole."""
    sizes: set[int] = field(default_factory=set)
    """Of the parts so far and of all together: a number as long that comes later is said in its place."""

    @property
    def answer(self) -> Answer:
        return ANSWERS[self.asked]

    @property
    def is_full(self) -> bool:
        return self.whole or len(self.said) >= self.answer.full

    def wait_again(self) -> None:
        self.words_left, self.turns_left, self.near = _WORDS_LEFT, _TURNS_LEFT, _NEAR_WORDS

    def take(self, run: Run, role: str | None) -> None:
        """The stretch is part of the answer; what the other side reads back adds nothing to it."""
        if role is None or self.giver in (None, role) or run.said not in self.said:
            self.said += run.said
            if self.giver == self.asker:
                self.giver = role  # what was announced is replaced by the other side
        self.sizes |= {len(run.said), len(self.said)}
        self.interrupted = self.diverted = False
        self.whole = self.whole or (self.answer.date and _with_year(run))
        self.giver = self.giver or role
        self.wait_again()

    def refuse(self) -> None:
        """The other side cannot do anything with it: another one may come."""
        self.said, self.whole, self.closed, self.interrupted, self.diverted = "", False, False, False, False
        self.wait_again()

    def belongs(self, run: Run, situation: Situation) -> bool:
        """Whether the stretch is part of the answer."""
        if self.closed and not (situation.bare and situation.repairs):
            return False
        if not self._says_it(run, situation):
            return False
        if run.amount and not (self.answer.date and run.days):
            return False
        again = situation.repairs or self._in_its_place(run, situation)
        if self._has_come() and self.interrupted and not again and run.said not in self.said:
            return False
        return self._is_date(run, situation.bare) if self.answer.date else self._fits(run, situation)

    def _in_its_place(self, run: Run, situation: Situation) -> bool:
        """The side that answered gives a number as long as the one it gave: `That doesn't match.` - `Oh, try 7039.`"""
        return situation.role == self.giver and len(run.said) in self.sizes and len(run.said) >= _REPLACES

    def _has_come(self) -> bool:
        """The answer is whole for sure."""
        return self.whole or len(self.said) >= (self.answer.surely or self.answer.full)

    def _says_it(self, run: Run, situation: Situation) -> bool:
        """The side that was asked answers; the other one reads back what it heard, or gets it wrong."""
        if situation.role is None:
            return True
        if self.giver is None:
            return situation.bare or not (situation.after_question and situation.role == self.asker)
        if situation.role == self.giver or (situation.repairs and self.giver == self.asker):
            return True  # the card ending 3120? - no, the new one ends in 9366
        if run.said == str(len(self.said)):
            return False  # that's fifteen, good
        known = self._is_read_back(run, situation)
        least = _AFTER_OTHER if self.is_full else self.answer.piece  # that's fifteen, good
        return known or (situation.bare and (self.answer.date or len(run.said) >= least))

    def _is_read_back(self, run: Run, situation: Situation) -> bool:
        """A part of what was said; `seats 14 to 16` are none of `1168`."""
        least = 2 if situation.bare or situation.role == self.giver else _AFTER_OTHER
        return len(run.said) >= least and run.said in self.said

    def _fits(self, run: Run, situation: Situation) -> bool:
        answer, bare = self.answer, situation.bare
        size = len(run.said) if answer.letters else len(run.digits)
        if run.days or size == 0 or (not answer.letters and run.letters > 2) or _only_years(run, bare):
            return False
        if run.counted and not (bare and len(run.said) >= 4):
            return False
        if answer.letters and not run.digits and not bare and size < 3:
            return False
        if self._is_read_back(run, situation):
            return True
        if situation.ending and _LAST_DIGITS[0] <= len(run.digits) <= _LAST_DIGITS[1]:
            return True
        if self.diverted and size < _AFTER_OTHER:
            return False
        awaited = self.near == _NEAR_WORDS and not self._has_come()  # and the last part is 5228
        if self.is_full and not (bare or situation.repairs or awaited) and size < max(answer.least, _AGAIN):
            return False  # an adviser will call you between five and six
        if self.said and len(self.said) + size > answer.most:
            # A whole answer came before: this is it again, or a corrected one, or something else.
            return bare and (situation.alone or answer.piece <= size <= answer.most)
        if size > answer.most:
            return False
        if self.mention and not self.said:
            return size >= answer.least and (self.near > 0 or (bare and size >= 6))
        if bare:
            # `Have a good one` is no digit.
            single = self.said and (situation.alone or run.said != "1") and not (self.is_full and self.interrupted)
            return size >= (1 if single else answer.piece)
        if self.near == _NEAR_WORDS:  # the zip code is seven zero zero
            return size >= min(answer.least, max(answer.piece, _DIRECT))
        return size >= (answer.piece if self.said else answer.least) and self.near > 0

    def _is_date(self, run: Run, bare: bool) -> bool:
        """A day and a month, a month and a year, `03/82`; a part of one alone in its turn."""
        if len(run.digits) > 8 or run.letters or (run.counted and not bare):
            return False
        if self.asked is Asked.BIRTH and self.whole and not bare and not _with_year(run):
            return False
        if run.parts >= 2 and (run.days or 3 <= len(run.digits) <= 8):
            return self.near > 0 or bare
        return bare and not run.counted and (run.days > 0 or len(run.digits) in (2, 3, 4, 6, 8))


def _only_years(run: Run, bare: bool) -> bool:
    return not bare and bool(run.groups) and all(_YEAR.fullmatch(group) for group in run.groups)


def _with_year(run: Run) -> bool:
    return run.parts >= 3 or len(run.digits) >= 6 or any(_YEAR.fullmatch(group) for group in run.groups)
