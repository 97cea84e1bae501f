"""Stretches of a turn that are dictated: digits, number words, letters, alphabet words, days and months.

`eight one oh seven`, `B as in Bravo, double five, 12`, `the third of May nineteen eighty`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from analysis.redaction.counted import is_amount, is_count_of_things, is_counted
from analysis.redaction.digit_runs import NUMBER_WORDS, REPEATS, groups_of, is_compound_number
from analysis.redaction.spans import word_set
from analysis.redaction.turns import Turn, Word
from analysis.redaction.units import UNITS

_FILLERS = word_set(
    "uh um er erm hm hmm hyphen dash minus stroke slash space star hash euh ähm äh tiret strich bindestrich guion"
)
_DATE_JOINTS = {
    "en": word_set("of the and"),
    "fr": word_set("le du de et"),
    "de": word_set("der den des im und"),
    "es": word_set("de del el y"),
}
ORDINALS = {
    "en": word_set(
        """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth
        fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth"""
    ),
    "fr": word_set("premier première"),
    "de": word_set(
        """erste ersten zweite zweiten dritte dritten vierte vierten fünfte fünften sechste sechsten siebte siebten
        achte achten neunte neunten zehnte zehnten elfte elften zwölfte zwölften dreizehnte vierzehnte fünfzehnte
        sechzehnte siebzehnte achtzehnte neunzehnte zwanzigste zwanzigsten dreißigste dreißigsten"""
    ),
    "es": word_set("primero"),
}
_ORDINAL_ENDINGS = {
    "en": word_set("st nd rd th"),
    "fr": word_set("er ère e"),
    "de": frozenset[str](),
    "es": frozenset[str](),
}
_ALPHABET = word_set(
    """alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike november oscar papa
    quebec romeo sierra tango uniform victor whiskey whisky xray yankee zulu"""
)
"""The alphabet of ICAO and NATO. A word of it alone is a letter only beside another letter or number."""
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{2,3}")
"""Letters written together, where they stand beside a number: `bd sixty two`."""
_ABBREVIATIONS = UNITS | word_set(
    """mr mrs ms dr st rd nd th ct ln sq pt ft hr hrs tv hm hmm mm mhm sms nhs dvd pdf bt ltd plc cm ml lb lbs mph px vs
    pts cvv cvc cv pwd ssn nr tbc tbd bc bbc pc pcs xl xs cd hd dc xx ps bst gmt utc rm mt jr sr"""
)
_AS_IN = {"en": (("as", "in"), ("for",), ("like",)), "fr": (("comme",),), "de": (("wie",),), "es": (("de",),)}
_DATE_ARTICLES = word_set("the le der den el")
_DAY, _MONTH = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"
DATE = re.compile(
    rf"(?:{_DAY}([/.-]){_MONTH}|{_MONTH}([/.-]){_DAY})(?:[/.-])(?:19|20)?\d\d|{_DAY} {_MONTH} (?:19|20)\d\d"
    rf"|(?:19|20)\d\d[/. -]{_MONTH}[/. -]{_DAY}"
)
"""A day written in figures."""
_BETWEEN = re.compile(r"[ \t.,;()/–—+#-]{0,5}")
_SENTENCE_END = re.compile(r"[.?!]")
_MAX_WORDS = 60
_LEAST_NEAR, _LONG = 3, 5
"""From the second size on a number may differ in two places and be the same, misheard."""


class _Kind(Enum):
    NUMBER = auto()
    LETTER = auto()
    DAY = auto()
    """An ordinal or a month."""
    JOINT = auto()
    EXPLAINED = auto()
    """Words that explain the letter before them."""
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Run:
    """A dictated stretch of one turn."""

    first: int
    """Place of its first word in the turn; `last` is included."""
    last: int
    start: int
    """Place in the text."""
    end: int
    said: str
    """Its digits and letters in order, letters as capitals: `GB29NWBK`."""
    groups: tuple[str, ...]
    """The digits as they were grouped."""
    days: int
    """How many ordinals and months."""
    counted: bool
    """An amount, a time, a quantity: a unit, a sign of money, a colon beside it."""
    amount: bool = False
    """Written or said as nothing else is: `3,204.55`, `the seven fifteen`, `half past nine`."""

    @property
    def digits(self) -> str:
        return "".join(self.groups)

    @property
    def letters(self) -> int:
        return len(self.said) - len(self.digits)

    @property
    def is_spelled(self) -> bool:
        """Digit by digit, letter by letter: `five oh six`."""
        digits = all(len(group) == 1 or (len(group) == 2 and group[0] == "0") for group in self.groups)
        return digits and (not self.letters or self.last - self.first + 1 >= len(self.said))

    @property
    def parts(self) -> int:
        """Parts of a date: days, months, and groups of digits."""
        return self.days + len(self.groups)


def is_nearly(said: str, other: str) -> bool:
    """As long, with the same digits in another order, or one or two of them misheard."""
    if len(said) != len(other) or len(said) < _LEAST_NEAR or not any(map(str.isdigit, said)):
        return False
    differing = sum(digit != heard for digit, heard in zip(said, other, strict=True))
    return differing <= (2 if len(said) >= _LONG else 1) or sorted(said) == sorted(other)


def runs_of(text: str, turn: Turn, language: str, questions: Sequence[tuple[int, int]] = ()) -> list[Run]:
    """The dictated stretches of a turn, in order, by the words of one language.

    `questions`: stretches of the text whose numbers and letters are not dictated: `the last four digits`, `SSN`.
    """
    kinds = _kinds(turn, language)
    for index in _exclamations(text, turn):
        kinds[index] = _Kind.OTHER
    for start, end in questions:
        first, behind = turn.word_from(start), turn.word_from(end)
        kinds[first:behind] = [_Kind.OTHER] * (behind - first)
    return [
        run for stretch in _stretches(text, turn.words, kinds) if (run := _run(text, turn, stretch, kinds, language))
    ]


def _exclamations(text: str, turn: Turn) -> Iterator[int]:
    """`7319. Oh, and one more thing`: that `oh` is no zero."""
    for index, word in enumerate(turn.words):
        exclaims = word.text == "oh" and text[word.end : word.end + 1] == ","
        if index and exclaims and _SENTENCE_END.search(text, turn.words[index - 1].end, word.start):
            yield index


def _kinds(turn: Turn, language: str) -> list[_Kind]:
    """What each word of the turn is; words that explain a letter (`as in Bravo`) are part of it."""
    words = turn.words
    kinds = [_kind(word, language) for word in words]
    for index, word in enumerate(words):
        if kinds[index] is _Kind.NUMBER and word.is_number and _is_ordinal(words, index, language):
            kinds[index] = kinds[index + 1] = _Kind.DAY
        elif len(word.text) == 1 and word.text.isalpha():
            for explained in _AS_IN[language]:
                named = index + len(explained) + 1
                said = tuple(other.text for other in words[index + 1 : named])
                if said == explained and named < len(words) and words[named].text[0] == word.text:
                    kinds[index : named + 1] = [_Kind.LETTER, *[_Kind.EXPLAINED] * (len(explained) + 1)]
        after = words[index + 1].text if index + 1 < len(words) else ""
        if word.text in ("a", "p") and after == "m" and index and kinds[index - 1] is _Kind.NUMBER:  # eleven a m
            kinds[index] = kinds[index + 1] = _Kind.OTHER
    return _without_lone_letters(words, kinds)


def _is_ordinal(words: Sequence[Word], index: int, language: str) -> bool:
    after = words[index + 1] if index + 1 < len(words) else None
    return after is not None and after.start == words[index].end and after.text in _ORDINAL_ENDINGS[language]


def _kind(word: Word, language: str) -> _Kind:
    text = word.text
    if word.is_number or text in NUMBER_WORDS[language] or text in REPEATS or is_compound_number(text, language):
        # `second` is an ordinal elsewhere; `o` and `oh` are numbers beside others only (`_without_lone_letters`).
        return _Kind.LETTER if text in ("o", "oh") else _Kind.NUMBER
    if text in ORDINALS[language] or text in month_names(language):
        return _Kind.DAY
    if len(text) == 1 and text.isalpha():
        return _Kind.LETTER
    spelled = word.written.isupper() and len(text) <= 5 and text.isalpha() and text != "ok"
    if text in _ALPHABET or spelled or (_CONSONANTS.fullmatch(text) and text not in _ABBREVIATIONS):
        return _Kind.LETTER
    if text in _FILLERS or text in _DATE_JOINTS[language]:
        return _Kind.JOINT
    return _Kind.OTHER


def _without_lone_letters(words: Sequence[Word], kinds: Sequence[_Kind]) -> list[_Kind]:
    """`a`, `I`, `oh`, capitals and words of the alphabet are letters only beside another letter or a number."""
    doubtful = {
        index
        for index, word in enumerate(words)
        if kinds[index] is _Kind.LETTER
        and (len(word.text) > 1 or word.text in ("a", "i", "o"))
        and kinds[index + 1 : index + 2] != [_Kind.EXPLAINED]
    }
    kept = {index for index in doubtful if words[index].written.isupper() and len(words[index].text) > 1}
    known = {index for index, kind in enumerate(kinds) if kind in (_Kind.NUMBER, _Kind.LETTER)} - doubtful | kept
    for step in (1, -1):
        for index in sorted(doubtful - kept, reverse=step < 0):
            word, beside = words[index], index - step
            article = word.text in ("a", "i") and word.text in (word.written, "i")
            if beside in known and (not article or _is_letter(words[beside])):
                known.add(index)
    known |= {
        index
        for index in doubtful
        if _is_alphabet(words, index) and (_is_alphabet(words, index - 1) or _is_alphabet(words, index + 1))
    }
    return [_Kind.OTHER if index in doubtful and index not in known else kind for index, kind in enumerate(kinds)]


def _is_letter(word: Word) -> bool:
    return len(word.text) == 1 and word.text.isalpha()


def _is_alphabet(words: Sequence[Word], index: int) -> bool:
    return 0 <= index < len(words) and words[index].text in _ALPHABET


def _stretches(text: str, words: Sequence[Word], kinds: Sequence[_Kind]) -> Iterator[tuple[int, int]]:
    """First and last word of each stretch; what joins stands only inside."""
    first = last = -1
    for index, kind in enumerate(kinds):
        hard = kind not in (_Kind.JOINT, _Kind.OTHER)
        near = first >= 0 and _BETWEEN.fullmatch(text, words[index - 1].end, words[index].start) is not None
        if first >= 0 and (not near or kind is _Kind.OTHER or index - first >= _MAX_WORDS):
            yield first, last
            first = -1
        if hard:
            first, last = (index if first < 0 else first), index
    if first >= 0:
        yield first, last


def _run(text: str, turn: Turn, stretch: tuple[int, int], kinds: Sequence[_Kind], language: str) -> Run | None:
    first, last = stretch
    parts: list[str] = []
    groups: list[str] = []
    spoken: list[str] = []
    days = 0
    for index in range(first, last + 1):
        word, kind = turn.words[index], kinds[index]
        if kind is _Kind.NUMBER or (kind is _Kind.LETTER and word.text in ("o", "oh")):
            spoken.append(word.text)
            continue
        if kind is _Kind.LETTER:
            _close(spoken, groups, parts, language)
            parts.append((word.text[0] if word.text in _ALPHABET else word.text).upper())
        days += kind is _Kind.DAY
        if kind is _Kind.DAY:
            _close(spoken, groups, parts, language)
    _close(spoken, groups, parts, language)
    if not parts and not days:
        return None
    start, end = turn.words[first].start, turn.words[last].end
    if days and first and turn.words[first - 1].text in _DATE_ARTICLES:
        start = turn.words[first - 1].start
    said = "".join(parts)
    if days or not said.isdigit():
        return Run(first, last, start, end, said, tuple(groups), days, is_counted(text, turn, first, last))
    amount = is_amount(text, turn, first, last, groups)
    counted = is_counted(text, turn, first, last) or is_count_of_things(turn, last, groups)
    return Run(first, last, start, end, said, tuple(groups), days, counted, amount)


def _close(spoken: list[str], groups: list[str], parts: list[str], language: str) -> None:
    """The number words so far become digits."""
    found = groups_of(spoken, language)
    groups.extend(found)
    parts.extend(found)
    spoken.clear()


@lru_cache(maxsize=8)
def month_names(language: str) -> frozenset[str]:
    from babel.dates import get_month_names  # type: ignore[import-untyped,unused-ignore]

    wide = get_month_names("wide", locale=language).values()
    short = get_month_names("abbreviated", locale=language).values()
    names = {str(name).casefold().rstrip(".") for name in (*wide, *short)}
    return frozenset(name for name in names if name not in ("may", "mar", "mai")) | (
        {"may"} if language == "en" else {"mai"}
    )
