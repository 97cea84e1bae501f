"""Numbers and codes by the meaning of the exchange: what is asked in one turn and given in the next ones.

`And the three digits on the back?` - `Nine four two.` A question opens a kind; what is dictated then, over turns, with
whatever is said in between, belongs to it until something else is asked or nothing comes. A number that nobody asked
for is known by its form when all its parts are in: a card in groups, a spelled IBAN, a telephone number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from analysis.redaction.other_numbers import Others
from analysis.redaction.questions import Asked, Phrase
from analysis.redaction.runs import DATE, Run
from analysis.redaction.spans import PersonalSpan, word_set
from analysis.redaction.talk import Talk
from analysis.redaction.turns import Turn

_RANK = 2
_DICTATED_RANK = 3


@dataclass(frozen=True, slots=True)
class _Answer:
    """What an answer of a kind looks like. Sizes are in digits and letters."""

    name: str
    """Of its placeholder."""
    setting: str
    """Of `redaction.kinds`."""
    least: int
    """Size of a whole answer within other words."""
    most: int
    """Size of all parts of one answer."""
    piece: int = 2
    """Least size of a part that is a turn of its own."""
    letters: bool = False
    date: bool = False


_ANSWERS = {
    Asked.CARD: _Answer("CARD", "card", 4, 20),
    Asked.EXPIRY: _Answer("CARD", "card", 3, 6, date=True),
    Asked.CVV: _Answer("CARD", "card", 3, 4, piece=3),
    Asked.PIN: _Answer("CARD", "card", 3, 8, piece=3),
    Asked.ONE_TIME_CODE: _Answer("CODE", "code", 4, 10, letters=True),
    Asked.BIRTH: _Answer("BIRTH", "date_of_birth", 6, 8, date=True),
    Asked.SOCIAL: _Answer("ID", "national_id", 4, 16),
    Asked.IDENTITY: _Answer("ID", "national_id", 4, 22, letters=True),
    Asked.ACCOUNT: _Answer("ACCOUNT", "account_number", 4, 24, letters=True),
    Asked.SORT_CODE: _Answer("ACCOUNT", "account_number", 6, 8),
    Asked.IBAN: _Answer("IBAN", "iban", 4, 40, letters=True),
    Asked.PHONE: _Answer("PHONE", "phone", 6, 18),
    Asked.POSTCODE: _Answer("ADDRESS", "postal_address", 4, 9, letters=True),
}
OWN_WORDS = word_set(
    """yes yeah yep yup no nope okay ok right sure so it it's its is that that's this and then the my mine a an um uh er
    erm hm hmm mhm mm huh oh ah well please thanks thank you sorry wait correct correction actually i i'm you you've got
    have here hang on go ahead perfect great lovely good fine alright ready let me see let's got first next last end at
    starts with ends final part number digits again was or did say said be one moment second sec just think mean make
    still but all then plus area code expiry hyphen we've we'll cheers brilliant listening too fast start over double
    double-check repeat once more sir madam ma'am nice slowly after by capital lower case upper letter letters figure
    numbers name comes try fantastic wonderful awesome excellent super cool bear
    oui d'accord c'est le la les alors et puis ensuite voilà euh non mon ma attendez merci bien
    ja genau ist die der das also und dann weiter meine mein nein danke äh ähm es lautet am
    sí vale es el siga y mi luego gracias claro perdón bueno"""
)
"""Said around a dictated part without being anything else."""
_WORDS_LEFT = 40
_TURNS_LEFT = 8
_NEAR_WORDS = 10
_BACK_WORDS = 6
_DIRECT = 3
"""Size of a first part that follows its announcement with nothing between."""
_MOST_CHAIN = 40
_CHAIN_TURNS = 4
_WHOLE_PHONE = 9
"""Digits."""
_IS = re.compile(r"\b(?:is|are|'s|as|for|est|ist|es)\b", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d")

Recognise = Callable[[str, Sequence[str]], tuple[str, str] | None]
"""By form: name and setting of what these digits and letters are (`GB29NWBK…`), with the digits as grouped."""


@dataclass(slots=True)
class _Open:
    """What is being asked for, and what has come so far."""

    asked: Asked
    mention: bool
    said: str = ""
    """Digits and letters of the answer so far."""
    words_left: int = _WORDS_LEFT
    turns_left: int = _TURNS_LEFT
    near: int = _NEAR_WORDS
    """Words until an answer within other words is too far away to be one."""
    whole: bool = False
    """A date with its year has come: what follows within other words is another one."""

    def wait_again(self) -> None:
        self.words_left, self.turns_left, self.near = _WORDS_LEFT, _TURNS_LEFT, _NEAR_WORDS


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
        self._open: _Open | None = None
        self._chain = _Chain()
        self._others: list[int] = []
        """How many words before each place of the present turn are more than what is said around a dictated part."""

    def find(self) -> Iterator[PersonalSpan]:
        said = zip(self._talk.turns, self._talk.phrases(self._language), self._talk.runs(self._language), strict=True)
        for number, (turn, phrases, runs) in enumerate(said):
            yield from self._turn(turn, number, phrases, runs)
        yield from self._chained()

    def _turn(self, turn: Turn, number: int, phrases: Sequence[Phrase], runs: Sequence[Run]) -> Iterator[PersonalSpan]:
        events: list[Phrase | Run] = sorted([*phrases, *runs], key=lambda event: event.start)
        bare = bool(runs) and _other_words(turn, runs) == 0
        self._others = [0, *accumulate(word.text not in OWN_WORDS for word in turn.words)]
        place, before = turn.start, None
        for event in events:
            others = self._pass(turn, place, event.start)
            if others or number - self._chain.turn > _CHAIN_TURNS:
                yield from self._chained()
            place = event.end
            if isinstance(event, Phrase):
                if event.asked is not Asked.MORE:
                    yield from self._chained()
                self._ask(turn, event)
                yield from self._looked_back(turn, before, event)
                before = None
                continue
            alone = len(turn.words) <= event.last - event.first + 3
            answer = None if self._is_day(event, bare) else self._answered(event, bare, alone)
            if answer is not None:
                yield from self._span(event, answer)
            elif (
                not self._elsewhere.at(event.start)
                and not event.days
                and (not event.amount and (bare or not event.counted))
            ):
                self._chain.runs.append((event, bare))
                self._chain.turn = number
                if len(self._chain.runs) >= _MOST_CHAIN:
                    yield from self._chained()
            before = None if answer else event
        if self._pass(turn, place, turn.end):
            yield from self._chained()
        self._end_of_turn()

    def _pass(self, turn: Turn, start: int, end: int) -> int:
        """Let words go by; returns how many of them are more than what is said around a dictated part."""
        others = self._others[turn.word_from(end)] - self._others[turn.word_from(start)]
        if self._open is not None:
            self._open.words_left -= others
            self._open.near -= others
        return others

    def _end_of_turn(self) -> None:
        if self._open is not None:
            self._open.turns_left -= 1
            if self._open.turns_left <= 0 or self._open.words_left <= 0:
                self._open = None

    def _ask(self, turn: Turn, phrase: Phrase) -> None:
        current, asked = self._open, phrase.asked
        if asked is Asked.CODE:
            card = current is not None and current.asked in (Asked.CARD, Asked.EXPIRY)
            asked = Asked.CVV if card else Asked.MORE
        if asked in (Asked.MORE, Asked.SPELLING):
            if current is not None:
                current.wait_again()
            elif turn.word_from(phrase.end) == len(turn.words) and "four" in self._text[phrase.start : phrase.end]:
                self._open = replace(_Open(Asked.CARD, mention=False), near=0)  # and the next four?
        elif asked not in _ANSWERS:
            self._open = None
        elif current is not None and current.asked is asked and (current.said or phrase.mention):
            current.wait_again()
        elif not phrase.mention or current is None or current.said:
            self._open = _Open(asked, phrase.mention)

    def _answered(self, run: Run, bare: bool, alone: bool = False) -> _Answer | None:
        current = self._open
        if current is None or not _belongs(current, run, bare, alone):
            return None
        current.said += run.said
        current.whole = current.whole or _with_year(run)
        current.wait_again()
        return _ANSWERS[current.asked]

    def _is_day(self, run: Run, bare: bool) -> bool:
        """A written day where no day is asked for: `call me back on 12/05/2026`."""
        current = self._open
        doubtful = current is None or current.mention or current.asked is Asked.PHONE
        return doubtful and not bare and DATE.fullmatch(self._text, run.start, run.end) is not None

    def _looked_back(self, turn: Turn, before: Run | None, phrase: Phrase) -> Iterator[PersonalSpan]:
        """`Nine four two is the code on the back`, `I have the first of May 1971 as your date of birth`."""
        current = self._open
        if before is None or current is None or current.said or current.mention or phrase.asked is not current.asked:
            return
        between = turn.word_from(phrase.start) - turn.word_from(before.end)
        if between <= _BACK_WORDS and _IS.search(self._text, before.end, phrase.start):
            answer = _ANSWERS[current.asked]
            whole = len(before.said) >= answer.least or answer.date
            if whole and self._answered(before, bare=False):
                yield from self._span(before, answer)

    def _span(self, run: Run, answer: _Answer) -> Iterator[PersonalSpan]:
        if answer.setting in self._kinds:
            signed = self._text[max(0, run.start - 1) : run.start] == "+"
            yield PersonalSpan(run.start - signed, run.end, answer.name, _RANK)

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
        if not said.isdigit() or all(_YEAR.fullmatch(group) for group in groups):
            return None
        if len(runs) > 1 and 12 <= len(said) <= 40:
            return "CARD", "card"
        run, bare = runs[0]
        if not bare or len(runs) > 1 or DATE.fullmatch(self._text, run.start, run.end):
            return None
        sizes = tuple(len(group) for group in groups)
        if sizes == (3, 2, 4):
            return "ID", "national_id"
        if sizes in ((3, 4), (3, 3, 4)) or (7 <= len(said) <= 11 and set(sizes) <= {1, 2, 3, 4} and len(sizes) > 2):
            return "PHONE", "phone"
        return None


def _other_words(turn: Turn, runs: Sequence[Run]) -> int:
    """How many words of the turn are neither dictated nor said around what is."""
    inside = {place for run in runs for place in range(run.first, run.last + 1)}
    return sum(place not in inside and word.text not in OWN_WORDS for place, word in enumerate(turn.words))


def _belongs(current: _Open, run: Run, bare: bool, alone: bool) -> bool:
    answer = _ANSWERS[current.asked]
    if answer.date:
        return _is_date(current, run, bare)
    size = len(run.said) if answer.letters else len(run.digits)
    if not bare and all(_YEAR.fullmatch(group) for group in run.groups) and run.groups:
        return False
    if run.days or size == 0 or (not answer.letters and run.letters > 2):
        return False
    if run.amount or (run.counted and not (bare and len(run.said) >= 4)):
        return False
    if answer.letters and not run.digits and not bare and size < 3:
        return False
    if len(run.said) >= 2 and run.said in current.said:
        return True  # read back by the other side
    if current.asked is Asked.PHONE and len(current.said) >= _WHOLE_PHONE and not bare and size < answer.least:
        return False  # an adviser will call you between five and six
    if current.said and len(current.said) + size > answer.most:
        # A whole answer came before: this is it again, or a corrected one, or something else.
        return bare and (alone or answer.piece <= size <= answer.most)
    if size > answer.most:
        return False
    if current.mention and not current.said:
        return size >= answer.least and (current.near > 0 or (bare and size >= 6))
    if bare:
        # `Have a good one` is no digit.
        return size >= (1 if current.said and (alone or run.said != "1") else answer.piece)
    if current.near == _NEAR_WORDS:  # the zip code is seven zero zero
        return size >= min(answer.least, max(answer.piece, _DIRECT))
    return size >= (answer.piece if current.said else answer.least) and current.near > 0


def _with_year(run: Run) -> bool:
    return run.parts >= 3 or len(run.digits) >= 6 or any(_YEAR.fullmatch(group) for group in run.groups)


def _is_date(current: _Open, run: Run, bare: bool) -> bool:
    """A day and a month, a month and a year, `03/82`; a part of one alone in its turn."""
    if len(run.digits) > 8 or run.letters or (run.counted and not bare):
        return False
    if current.asked is Asked.BIRTH and current.whole and not bare and not _with_year(run):
        return False
    if run.parts >= 2 and (run.days or 3 <= len(run.digits) <= 8):
        return current.near > 0 or bare
    return bare and not run.counted and (run.days > 0 or len(run.digits) in (2, 3, 4, 6, 8))
