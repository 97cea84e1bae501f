"""Stretches of digits in a text, written or spoken: `4111-1111 …`, `four one double one …`, `null vier zwei …`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import lru_cache

from analysis.redaction.spans import word_set
from analysis.redaction.units import UNITS

_ENGLISH = """zero oh o nought one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand"""
_FRENCH = """zéro zero un une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize
vingt vingts trente quarante cinquante soixante septante huitante octante nonante cent cents mille"""
_GERMAN_UNITS = "null eins ein eine zwei zwo drei vier fünf sechs sieben acht neun"
_GERMAN = f"""{_GERMAN_UNITS} zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig
dreißig dreissig vierzig fünfzig sechzig siebzig achtzig neunzig hundert tausend"""
_SPANISH = """cero uno una un dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis
dieciseis diecisiete dieciocho diecinueve veinte veintiuno veintiún veintidós veintidos veintitrés veintitres
veinticuatro veinticinco veintiséis veintiseis veintisiete veintiocho veintinueve treinta cuarenta cincuenta sesenta
setenta ochenta noventa cien ciento mil"""
NUMBER_WORDS = {language: frozenset(text.split()) for language, text in
                (("en", _ENGLISH), ("fr", _FRENCH), ("de", _GERMAN), ("es", _SPANISH))}  # fmt: skip
_JOINERS = {"en": {"and"}, "fr": {"et"}, "de": {"und"}, "es": {"y"}}
"""Stand between number words (`cuarenta y dos`); end a run anywhere else."""
REPEATS = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4, "doppel": 2, "doble": 2}
_FILLERS = word_set("uh um er erm hm mhm ah euh äh ähm eh dash hyphen tiret strich bindestrich guion")
# What the other side says while a number is dictated.
_ACKNOWLEDGEMENTS = word_set(
    """okay ok yes yeah yep right alright sure mhm uh um huh got it go on ahead and then next please thanks continue
    oui d'accord ja genau weiter sí si vale sigue i'm listening"""
)
LINE_MARK = r"\n[ \t]*(?:#\d+[ \t]+)?(?:agent|client|caller|customer|unknown|speaker \d+)[ \t]*:[ \t]*"
"""Begins a line of a transcript in a prompt: dictated numbers go on behind it."""
_TOKEN = re.compile(rf"(?P<mark>{LINE_MARK})|(?P<digits>\d+)|(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*)", re.IGNORECASE)
_BETWEEN = re.compile(r"[ \t.,;()/–—-]{0,4}")
_BETWEEN_LINES = re.compile(r"[ \t.,;()/–—!?-]*")
_MONEY_BEFORE = re.compile(r"[$€£¥][ \t]?$")
_MONEY_AFTER = re.compile(
    r"[ \t]*(?:[$€£¥%]|dollars?\b|bucks\b|euros?\b|pounds?\b|cents?\b|percent\b|prozent\b|pour cent\b"
    r"|por ciento\b|million|billion|kilo|k?wh\b|miles\b|degrees\b)",
    re.IGNORECASE,
)
_LONGEST_AMOUNT = 9
_MAX_PENDING = 12
_MAX_TOKENS = 200
"""Longer stretches are taken in pieces: nobody dictates them, and the work for one grows faster than its length."""


@dataclass(frozen=True, slots=True)
class DigitRun:
    """Digits that were said or written in one go."""

    digits: str
    pieces: tuple[tuple[int, int], ...]
    """Where they are: start and end in the text, one piece per line of the transcript."""
    groups: tuple[str, ...]
    """The digits as they were grouped: `("06", "12", "34")`."""

    @property
    def start(self) -> int:
        return self.pieces[0][0]

    @property
    def end(self) -> int:
        return self.pieces[-1][1]


class _Kind(Enum):
    NUMBER = auto()
    MARK = auto()
    FILLER = auto()
    ACKNOWLEDGEMENT = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int
    end: int
    kind: _Kind


def digit_runs(text: str, languages: Sequence[str]) -> list[DigitRun]:
    """All runs of digits, by each language's number words, in order; those of two languages may overlap."""
    runs: dict[tuple[tuple[int, int], ...], DigitRun] = {}
    for language in languages or ("",):
        for tokens in _sequences(text, language):
            run = _run(text, tokens, language)
            if run is not None:
                runs.setdefault(run.pieces, run)
    return sorted(runs.values(), key=lambda run: (run.start, -run.end))


def _tokens(text: str, language: str) -> list[_Token]:
    known = NUMBER_WORDS.get(language, frozenset())
    found: list[_Token] = []
    for match in _TOKEN.finditer(text):
        word = match.group(0).casefold()
        if match.lastgroup == "mark":
            kind = _Kind.MARK
        elif (
            match.lastgroup == "digits"
            or word in known
            or (known and word in REPEATS)
            or is_compound_number(word, language)
        ):
            kind = _Kind.NUMBER
        elif word in _FILLERS or word in _JOINERS.get(language, ()):
            kind = _Kind.FILLER
        else:
            kind = _Kind.ACKNOWLEDGEMENT if word in _ACKNOWLEDGEMENTS else _Kind.OTHER
        if found and word in UNITS and _counts(found):
            found[-1] = replace(found[-1], kind=_Kind.OTHER)  # thanks, one moment
        found.append(_Token(word, match.start(), match.end(), kind))
    return found


def _counts(tokens: Sequence[_Token]) -> bool:
    """The last one is a short number that stands alone."""
    alone = len(tokens) < 2 or tokens[-2].kind is not _Kind.NUMBER
    return tokens[-1].kind is _Kind.NUMBER and alone and not (tokens[-1].text.isdigit() and len(tokens[-1].text) > 2)


_GERMAN_PARTS = "|".join(sorted({*NUMBER_WORDS["de"], "sech", "sieb"}))
_GERMAN_COMPOUND = re.compile(rf"(?:{_GERMAN_PARTS}){{1,2}}(?:(?:und)?(?:{_GERMAN_PARTS})){{1,4}}")


def is_compound_number(word: str, language: str) -> bool:
    """`zweiundvierzig`, `neunzehnhundertfünfundsiebzig`."""
    return language == "de" and _GERMAN_COMPOUND.fullmatch(word) is not None


def _sequences(text: str, language: str) -> list[list[_Token]]:
    """Number tokens (and line marks between them) in a row; the other side's `okay` between two lines breaks no row."""
    found: list[list[_Token]] = []
    current: list[_Token] = []
    pending: list[_Token] = []
    for token in _tokens(text, language):
        last = pending[-1] if pending else current[-1] if current else None
        crossed = any(waiting.kind is _Kind.MARK for waiting in pending)
        if last is not None:
            allowed = _BETWEEN_LINES if crossed or token.kind is _Kind.MARK else _BETWEEN
            if not allowed.fullmatch(text, last.end, token.start):
                found.append(current)
                current, pending, crossed = [], [], False
        if token.kind is _Kind.NUMBER:
            current += [waiting for waiting in pending if waiting.kind is _Kind.MARK]
            current.append(token)
            pending = []
            if len(current) >= _MAX_TOKENS:
                found.append(current)
                current = []
        elif not current:
            continue
        elif len(pending) < _MAX_PENDING and (
            token.kind in (_Kind.MARK, _Kind.FILLER) or (token.kind is _Kind.ACKNOWLEDGEMENT and crossed)
        ):
            pending.append(token)
        else:
            found.append(current)
            current, pending = [], []
    found.append(current)
    return [sequence for sequence in found if sequence]


def _run(text: str, tokens: Sequence[_Token], language: str) -> DigitRun | None:
    """None for a single short number and for amounts of money."""
    pieces: list[tuple[int, int]] = []
    after_mark = True
    for token in tokens:
        if token.kind is _Kind.MARK:
            after_mark = True
        elif after_mark:
            pieces.append((token.start, token.end))
            after_mark = False
        else:
            pieces[-1] = (pieces[-1][0], token.end)
    groups = groups_of([token.text for token in tokens if token.kind is _Kind.NUMBER], language)
    digits = "".join(groups)
    if len(digits) < 3:
        return None
    start, end = pieces[0][0], pieces[-1][1]
    amount = _MONEY_BEFORE.search(text[max(0, start - 3) : start]) or _MONEY_AFTER.match(text, end)
    if amount and len(digits) <= _LONGEST_AMOUNT:
        return None
    return DigitRun(digits, tuple(pieces), tuple(groups))


def groups_of(words: Sequence[str], language: str) -> list[str]:
    """`["four", "double", "five", "20"]` to `["4", "5", "5", "20"]`."""
    groups: list[str] = []
    spoken: list[str] = []
    repeat = 1
    for word in words:
        if word in REPEATS:
            repeat = REPEATS[word]
        elif word.isdigit():
            groups.extend(_spoken(tuple(spoken), language))
            spoken = []
            groups.extend([word] * (repeat if len(word) == 1 else 1))
            repeat = 1
        else:
            spoken.extend([_SAME_AS.get(word, word)] * repeat)
            repeat = 1
    return [*groups, *_spoken(tuple(spoken), language)]


_SAME_AS = {"oh": "zero", "o": "zero", "nought": "zero", "zwo": "zwei"}


@lru_cache(maxsize=4096)
def _spoken(words: tuple[str, ...], language: str) -> tuple[str, ...]:
    if not words:
        return ()
    from text_to_num import alpha2digit  # type: ignore[import-untyped]

    return tuple(re.findall(r"\d+", alpha2digit(" ".join(words), language, 0.0)))
