"""Numbers and codes by the meaning of the exchange: what is asked in one turn and given in the next ones.

`And the three digits on the back?` - `Nine four two.` A question opens a kind; what is dictated then, over turns, with
whatever is said in between, belongs to it until something else is asked or nothing comes. A number that nobody asked
for is known by its form when all its parts are in: a card in groups, a spelled IBAN, a telephone number.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from analysis.redaction.answers import ANSWERS, Answer, OpenQuestion, Situation
from analysis.redaction.around import OWN_WORDS, asks_something, ends_in, other_words, refuses, repairs
from analysis.redaction.other_numbers import Others
from analysis.redaction.questions import NOT_OF_A_PERSON, Asked, Phrase
from analysis.redaction.runs import DATE, Run, is_nearly, month_names
from analysis.redaction.spans import PersonalSpan
from analysis.redaction.talk import Talk
from analysis.redaction.the_number import thing_before
from analysis.redaction.turns import Turn
from analysis.redaction.unnamed import UnnamedQuestion, identifies, is_long_ago

_DICTATED_RANK = 3


_BACK_WORDS = 6
_MOST_CHAIN = 40
_CHAIN_TURNS = 4
_MOST_HARMLESS = 6
_PARTS_OF_DATES = ("year", "month", "day")
_SIZES_OF_ENDINGS = (3, 4)
_LEAST_OVER_TURNS = 6
"""Digits of a number that is dictated over turns, whatever it is."""
_IS = re.compile(r"\b(?:is|are|'s|as|for|est|ist|es)\b", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d")
_LIKE_IBAN = re.compile(r"[A-Z]{2}\d{2}(?=[A-Z\d]{0,4}\d{8})[A-Z\d]{14,30}")
"""Of which a digit was misheard or left out, so that its check digits fail."""

Recognise = Callable[[str, Sequence[str]], tuple[str, str] | None]
"""By form: name and setting of what these digits and letters are (`GB29NWBK…`), with the digits as grouped."""


@dataclass(slots=True)
class _Chain:
    """Dictated stretches with nothing else between them, whatever they may be."""

    runs: list[tuple[Run, bool]] = field(default_factory=list)
    """With whether the turn holds nothing else."""
    turn: int = 0
    """Of the last one."""


class Exchanges:
    """One pass over the turns of a talk, with the words of one language."""

    def __init__(self, talk: Talk, language: str, kinds: Collection[str], recognise: Recognise, others: Others) -> None:
        self._talk = talk
        self._text = talk.text
        self._language = language
        self._kinds = kinds
        self._recognise = recognise
        self._elsewhere = others
        self._open: OpenQuestion | None = None
        self._unnamed = UnnamedQuestion()
        self._harmless: deque[Run] = deque(maxlen=_MOST_HARMLESS)
        """The last numbers of orders and prices: what repeats or corrects one is no more personal."""
        self._chain = _Chain()
        self._question_mark = -1
        """Place of the first question mark after the latest phrase, or the end of its turn."""
        self._others: list[int] = []
        """How many words before each place of the present turn are more than what is said around a dictated part."""

    def find(self) -> Iterator[PersonalSpan]:
        said = zip(self._talk.turns, self._talk.phrases(self._language), self._talk.runs(self._language), strict=True)
        for number, (turn, phrases, runs) in enumerate(said):
            yield from self._turn(turn, number, phrases, runs)
        yield from self._chained()

    def _turn(self, turn: Turn, number: int, phrases: Sequence[Phrase], runs: Sequence[Run]) -> Iterator[PersonalSpan]:
        events: list[Phrase | Run] = sorted([*phrases, *runs], key=lambda event: event.start)
        bare = bool(runs) and other_words(turn, [(run.first, run.last) for run in runs]) == 0
        situation_of = self._situations(turn, bare)
        taken, skipped = False, list[Run]()
        self._others = [0, *accumulate(word.text not in OWN_WORDS for word in turn.words)]
        position, before = turn.start, None
        for event in events:
            others = self._pass(turn, position, event.start)
            if others or number - self._chain.turn > _CHAIN_TURNS:
                yield from self._chained()
            position = event.end
            if isinstance(event, Phrase):
                if event.asked is not Asked.MORE:
                    yield from self._chained()
                self._ask(turn, event)
                skipped = []
                yield from self._looked_back(turn, before, event)
                before = None
                continue
            answer = None if self._is_day(event, bare) else self._answered(event, situation_of(event))
            answer = answer or self._untold(turn, event, situation_of(event))
            taken = taken or answer is not None
            if answer is not None:
                yield from self._span(event, answer)
                yield from self._passed_over(turn, skipped, answer)
                skipped = []
            elif (
                not self._elsewhere.covering(event.start)
                and not self._is_harmless(event)
                and not event.days
                and (not event.amount and (bare or not event.counted))
            ):
                self._chain.runs.append((event, bare))
                self._chain.turn = number
                if len(self._chain.runs) >= _MOST_CHAIN:
                    yield from self._chained()
            if answer is None:
                skipped.append(event)
            before = None if answer else event
        if self._pass(turn, position, turn.end):
            yield from self._chained()
        self._end_of_turn(turn, taken=taken, asked=bool(phrases))
        self._unnamed.hear(self._text, turn, phrases, gives=bool(runs))

    def _situations(self, turn: Turn, bare: bool) -> Callable[[Run], Situation]:
        repairing = repairs(turn)

        def situation_of(run: Run) -> Situation:
            alone = len(turn.words) <= run.last - run.first + 3
            asked = turn.start <= self._question_mark < run.start
            ending = bool(before := turn.words[max(0, run.first - 2) : run.first]) and ends_in(before)
            return Situation(turn.role, bare, alone, repairing, ending, asked)

        return situation_of

    def _pass(self, turn: Turn, start: int, end: int) -> int:
        """Let words go by; returns how many of them are more than what is said around a dictated part."""
        others = self._others[turn.word_from(end)] - self._others[turn.word_from(start)]
        if self._open is not None:
            self._open.words_left -= others
            self._open.near -= others
        return others

    def _end_of_turn(self, turn: Turn, *, taken: bool, asked: bool) -> None:
        """`taken`: something in it was part of the answer; `asked`: something in it asked for more of it."""
        goes_on = taken or asked
        if self._open is not None:
            other_side = turn.role is None or turn.role != self._open.giver
            if not goes_on and other_side and self._open.is_full and asks_something(self._text, turn):
                self._open.closed = True
            if not taken and other_side and other_words(turn, ()):
                self._open.interrupted = True
                self._open.diverted = self._open.diverted or (not goes_on and asks_something(self._text, turn))
            if not taken and other_side and self._open.said and refuses(turn):
                self._open.refuse()
            self._open.turns_left -= 1
            if self._open.turns_left <= 0 or self._open.words_left <= 0:
                self._open = None

    def _ask(self, turn: Turn, phrase: Phrase) -> None:
        if self._question_mark < phrase.end:
            mark = self._text.find("?", phrase.end, turn.end)
            self._question_mark = turn.end if mark < 0 else mark
        current, asked = self._open, phrase.asked
        if asked is Asked.CODE:
            card = current is not None and current.asked in (Asked.CARD, Asked.EXPIRY)
            asked = Asked.CVV if card else Asked.MORE if current is not None else Asked.ONE_TIME_CODE
        if asked in (Asked.MORE, Asked.SPELLING):
            if current is not None:
                current.wait_again()
            elif turn.word_from(phrase.end) == len(turn.words) and "four" in self._text[phrase.start : phrase.end]:
                self._open = OpenQuestion(Asked.CARD, mention=False, asker=turn.role, near=0)  # and the next four?
        elif asked not in ANSWERS:
            taken_back = asked is Asked.HARMLESS and current is not None and bool(current.said) and repairs(turn)
            if current is not None and self._asks_for_rest(phrase):
                current.wait_again()
            elif not taken_back:  # sorry, that's the start date
                self._open = None
        elif current is not None and current.asked is asked and (current.said or phrase.mention):
            current.wait_again()
            current.closed = False
        elif not phrase.mention or current is None or current.said:
            self._open = OpenQuestion(asked, phrase.mention, asker=turn.role)

    def _asks_for_rest(self, phrase: Phrase) -> bool:
        """`Of which year?`, before a date is whole."""
        current = self._open
        if current is None or not current.answer.date or current.whole or phrase.asked is not Asked.HARMLESS:
            return False
        return current.giver is not None and self._text[phrase.start : phrase.end].casefold().endswith(_PARTS_OF_DATES)

    def _answered(self, run: Run, situation: Situation) -> Answer | None:
        current = self._open
        if current is None or not current.belongs(run, situation):
            return None
        current.take(run, situation.role)
        return current.answer

    def _passed_over(self, turn: Turn, skipped: Sequence[Run], answer: Answer) -> Iterator[PersonalSpan]:
        """The first parts of an answer, said among so many words that only what came then tells what they are."""
        for run in skipped:
            if (
                not answer.date
                and not self._elsewhere.covering(run.start)
                and identifies(self._text, turn, run, bare=True)
            ):
                yield from self._span(run, answer)

    def _untold(self, turn: Turn, run: Run, situation: Situation) -> Answer | None:
        """What no phrase tells: a day of long ago, and what answers a question for something else."""
        if self._elsewhere.covering(run.start):
            self._harmless.append(run)
            return None
        if self._language != self._talk.main_language:
            return None
        if is_long_ago(self._text, run):
            asked = Asked.BIRTH
        elif thing_before(turn, run.first) in NOT_OF_A_PERSON or self._is_harmless(run):
            self._harmless.append(run)
            return None
        elif self._unnamed.is_answered(self._text, turn, run, situation) or _is_ending(run, situation):
            asked = Asked.UNNAMED
        else:
            return None
        self._open = OpenQuestion(asked, mention=False)
        self._open.take(run, turn.role)
        return self._open.answer

    def _is_harmless(self, run: Run) -> bool:
        return any(is_nearly(run.said, other.said) or run.said == other.said for other in self._harmless)

    def _is_day(self, run: Run, bare: bool) -> bool:
        """A written day where no day is asked for (`call me back on 12/05/2026`); `31 December`, where a month is."""
        current = self._open
        if current is not None and current.asked is Asked.EXPIRY and run.days == len(run.groups) == 1:
            return self._text[run.start : run.end].split()[-1].casefold() in month_names(self._language)
        doubtful = current is None or current.mention or current.asked is Asked.PHONE
        return doubtful and not bare and DATE.fullmatch(self._text, run.start, run.end) is not None

    def _looked_back(self, turn: Turn, before: Run | None, phrase: Phrase) -> Iterator[PersonalSpan]:
        """`Nine four two is the code on the back`, `I have the first of May 1971 as your date of birth`."""
        current = self._open
        if before is None or current is None or current.said or current.mention or phrase.asked is not current.asked:
            return
        between = turn.word_from(phrase.start) - turn.word_from(before.end)
        if between <= _BACK_WORDS and _IS.search(self._text, before.end, phrase.start):
            answer = current.answer
            whole = len(before.said) >= answer.least or answer.date
            said = Situation(turn.role, bare=False, alone=False, repairs=False, ending=False, after_question=False)
            if whole and self._answered(before, said):
                yield from self._span(before, answer)

    def _span(self, run: Run, answer: Answer) -> Iterator[PersonalSpan]:
        if answer.setting in self._kinds:
            signed = self._text[max(0, run.start - 1) : run.start] == "+"
            yield PersonalSpan(run.start - signed, run.end, answer.name, answer.rank)

    def _chained(self) -> Iterator[PersonalSpan]:
        """What the stretches so far are by their form; the chain begins anew."""
        runs, self._chain = self._chain.runs, _Chain()
        if not runs:
            return
        groups = [group for run, _ in runs for group in run.groups]
        said = "".join(run.said for run, _ in runs)
        named = self._recognise(said, groups) or self._by_size(runs, groups, said)
        if named is not None and named[1] in self._kinds:
            for run, _ in runs:
                yield PersonalSpan(run.start, run.end, named[0], _DICTATED_RANK)

    def _by_size(self, runs: Sequence[tuple[Run, bool]], groups: Sequence[str], said: str) -> tuple[str, str] | None:
        if _LIKE_IBAN.fullmatch(said):
            return "IBAN", "iban"
        if not said.isdigit() or all(_YEAR.fullmatch(group) for group in groups):
            return None
        if len(runs) > 1 and 12 <= len(said) <= 40:
            return "CARD", "card"
        if _over_turns(runs) and len(said) >= _LEAST_OVER_TURNS:
            return "ACCOUNT", "account_number"
        run, bare = runs[0]
        if not bare or len(runs) > 1 or DATE.fullmatch(self._text, run.start, run.end):
            return None
        sizes = tuple(len(group) for group in groups)
        if sizes == (3, 2, 4):
            return "ID", "national_id"
        if sizes in ((3, 4), (3, 3, 4)) or (7 <= len(said) <= 11 and set(sizes) <= {1, 2, 3, 4} and len(sizes) > 2):
            return "PHONE", "phone"
        return None


def _over_turns(runs: Sequence[tuple[Run, bool]]) -> bool:
    """Digit by digit, in turns that hold nothing else: `three three one` - `mm-hm` - `oh eight, five five two six`."""
    dictated = all(bare and len(run.digits) > 1 and run.is_spelled for run, bare in runs)
    return dictated and len(runs) > 1 and len({run.said for run, _ in runs}) > 1


def _is_ending(run: Run, situation: Situation) -> bool:
    """`The one ending in double oh four one`."""
    return situation.ending and not run.letters and len(run.digits) in _SIZES_OF_ENDINGS and not run.counted
