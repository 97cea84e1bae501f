"""Are the numbers, dates, names and links of a summary in the transcript?

Numbers count however they are written: "one hundred and thirty-five", 135 and 135.00 are one; digits said one by one
("four one nine one two") support 41912; "half past three" supports 3:30. Weekdays and months are compared across
languages. Names are words with a capital letter that no sentence begins with; they have to be words of the transcript.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from analysis.calls import in_order
from analysis.summary.names import CAPITALISED, names_in, plain
from analysis.text import words
from pipeline.records import TranscriptChunk

NUMBER_LANGUAGES = frozenset({"en", "fr", "de", "es", "it", "pt", "nl", "ca"})
"""Languages whose number words are read; in others only digits are compared."""
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,' \u202f]\d{3})*(?:[.,]\d+)?(?![\d])|\d+")
_CLOCK = re.compile(r"\b(\d{1,2})\s?[:h.]\s?(\d{2})\b(?!\d)")
_SLASH_DATE = re.compile(r"\b(\d{1,4})([/.-])(\d{1,2})\2(\d{1,4})\b")
_LINK = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|info|biz|io|co|eu|fr|de|uk|ru|cn|app|xyz)\b\S*",
                   re.IGNORECASE)  # fmt: skip
_RELATIVE_DAYS = {
    "today": "today", "tonight": "today", "aujourd'hui": "today", "heute": "today", "hoy": "today",
    "tomorrow": "tomorrow", "demain": "tomorrow", "morgen": "tomorrow", "mañana": "tomorrow",
    "yesterday": "yesterday", "hier": "yesterday", "gestern": "yesterday", "ayer": "yesterday",
}  # fmt: skip
_AMBIGUOUS = frozenset({"morgen", "hier", "mañana", "may", "march", "mars", "mai", "so", "mi", "do", "sol"})
"""Also ordinary words in one of the languages: they count as dates for support, never as claims when lower-case."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A fact a summary states."""

    kind: str
    """`number`, `date`, `name`, `link`."""
    text: str


class SpokenFacts:
    """What was said in a call, ready to be compared with."""

    def __init__(self, chunks: Sequence[TranscriptChunk], language: str | None, also: Iterable[str] = ()) -> None:
        """
        Args:
            chunks: the whole call.
            language: of the call, ISO 639-1; None is taken for English.
            also: further texts that count as said (names from the metadata).
        """
        ordered = in_order(chunks)
        texts = [*(chunk.text for chunk in ordered), *also]
        language = language or "en"
        self._words = {part for text in texts for word in words(text) for part in (word, plain(word), *word.split("-"))}
        self._numbers = {number for text in texts for number in _all_numbers(text, language)}
        self._joined = [digits for text in _per_side(ordered) for digits in _digit_strings(text, language)]
        self._dates = {date for text in texts for date in _dates(text, language, claims=False)}
        self._text = " ".join(" ".join(texts).casefold().replace(" dot ", ".").replace(" at ", "@").split())

    def unsupported(self, text: str, language: str | None) -> list[Claim]:
        """The claims of one text of the summary that nobody said, in order of kind."""
        language = language or "en"
        faults = [Claim("link", link) for link in _LINK.findall(text) if not self._has_link(link)]
        rest = _LINK.sub(" ", text)
        dates, rest = self._slash_dates(rest)
        faults += dates
        clocks, rest = self._clocks(rest)
        faults += clocks
        faults += [Claim("number", n) for n in _all_numbers(rest, language, claims=True) if not self._has_number(n)]
        faults += [
            Claim("date", name) for name, date in _named_dates(rest, language, claims=True) if date not in self._dates
        ]
        faults += [
            Claim("name", name)
            for name in names_in(rest, language, _date_names(language).keys() | _RELATIVE_DAYS.keys())
            if not self._has_name(name)
        ]
        return faults

    def _has_link(self, link: str) -> bool:
        return link.casefold().rstrip(".,;:!?)") in self._text

    def _has_number(self, number: str) -> bool:
        if number in self._numbers:
            return True
        whole = number.replace(".", "")
        return len(whole) > 1 and any(_inside(whole, digits) for digits in self._joined)

    def _clocks(self, text: str) -> tuple[list[Claim], str]:
        faults = []
        for match in _CLOCK.finditer(text):
            hour, minute = int(match.group(1)), int(match.group(2))
            hours = {str(hour), str(hour - 12), str(hour + 12)}
            full_hour = minute == 0 and bool(hours & self._numbers)
            supported = full_hour or any(f"{spoken}:{minute:02d}" in self._numbers for spoken in hours)
            if not supported and not self._has_number(f"{hour}.{match.group(2)}"):
                faults.append(Claim("number", match.group(0)))
        return faults, _CLOCK.sub(" ", text)

    def _slash_dates(self, text: str) -> tuple[list[Claim], str]:
        """`12/05/2026`: each part a number that was said, or a month that was named."""
        faults = []
        for match in _SLASH_DATE.finditer(text):
            parts = [part.lstrip("0") for part in match.group(1, 3, 4)]
            named = [("month", int(part) - 1) in self._dates for part in parts if part and int(part) <= 12]
            missing = [part for part in parts if not self._has_number(part) and not self._has_number("20" + part)]
            if len(missing) > (1 if any(named) else 0):
                faults.append(Claim("date", match.group(0)))
        return faults, _SLASH_DATE.sub(" ", text)

    def _has_name(self, name: str) -> bool:
        return all(plain(part) in self._words or part in self._words for part in name.casefold().split("-")) or (
            name.casefold() in self._words
        )


def _per_side(chunks: Sequence[TranscriptChunk]) -> list[str]:
    """Each channel's text on its own: a number dictated over several chunks is in one text."""
    sides: dict[int, list[str]] = {}
    for chunk in chunks:
        sides.setdefault(chunk.channel, []).append(chunk.text)
    return [" ".join(texts) for texts in sides.values()]


def _in_digits(text: str, language: str) -> str:
    if language not in NUMBER_LANGUAGES:
        return text
    from text_to_num import alpha2digit  # type: ignore[import-untyped,unused-ignore]

    folded = text.casefold()
    if language == "en":
        folded = re.sub(
            r"\b(?:oh|o)\b(?=\s+(?:\d|oh|zero|one|two|three|four|five|six|seven|eight|nine))", "zero", folded
        )
        folded = re.sub(r"\bdouble (\w+)", r"\1 \1", folded)
        folded = re.sub(r"\btriple (\w+)", r"\1 \1 \1", folded)
    return str(alpha2digit(folded, language, 0.0))


def _all_numbers(text: str, language: str, *, claims: bool = False) -> Iterator[str]:
    """Normalised: thousands separators and trailing zeros of decimals gone. As claims: without the lone word `one`."""
    if claims:
        text = _without_articles(text, language)
    digits = _in_digits(text, language)
    for match in _NUMBER.finditer(digits):
        yield _normal(match.group(0))
    if not claims and language == "en":
        yield from _half_hours(digits)


_ARTICLES = frozenset(["one", "un", "une", "ein", "eine", "einen", "einem", "einer", "uno", "una", "um", "uma"])
_LINKS = frozenset(["and", "et", "y", "e", "und"])
"""Words within a number: `vingt et un`."""


def _without_articles(text: str, language: str) -> str:
    """`one of them`, `une carte`: an article, no number; but `forty one` and `vingt et un` are."""
    pieces = re.split(r"(\w+)", text)
    places = [number for number in range(1, len(pieces), 2) if pieces[number].casefold() not in _LINKS]

    def counts(near: int) -> bool:
        if not 0 <= near < len(places):
            return False
        word = pieces[places[near]].casefold()
        return word.isalpha() and word not in _ARTICLES and _in_digits(word, language) != word

    for rank, index in enumerate(places):
        joined = counts(rank - 1) and not re.search(r"[.,;:!?]", "".join(pieces[places[rank - 1] + 1 : index]))
        before = counts(rank + 1) and not re.search(r"[.,;:!?]", "".join(pieces[index + 1 : places[rank + 1]]))
        if pieces[index].casefold() in _ARTICLES and not joined and not before:
            pieces[index] = " "
    return "".join(pieces)


def _normal(number: str) -> str:
    number = re.sub(r"[' \u202f]", "", number)
    parts = re.split(r"[.,]", number)
    if len(parts) > 1 and (len(parts[-1]) != 3 or parts[0] == "0"):
        whole, decimals = "".join(parts[:-1]), parts[-1].rstrip("0")
    else:
        whole, decimals = "".join(parts), ""
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{decimals}" if decimals else whole


def _half_hours(digits: str) -> Iterator[str]:
    """`half past 3` is 3:30, `quarter to 4` is 3:45."""
    for kind, minutes, hour in re.findall(r"\b(half|quarter|\d{1,2}) (past|to) (\d{1,2})\b", digits):
        count = {"half": 30, "quarter": 15}.get(kind) or int(kind)
        minute = int(hour) * 60 + (count if minutes == "past" else -count)
        yield f"{minute // 60}:{minute % 60:02d}"


def _digit_strings(text: str, language: str) -> Iterator[str]:
    """Numbers said in a row, joined by `|`: `4|1|9|1|2`."""
    digits = _in_digits(text, language)
    for match in re.finditer(r"\d+(?:(?:[\s.,-]|\b(?:uh|um|and|point|dash|colon)\b)*\d+)*", digits):
        yield "|".join(re.findall(r"\d+", match.group(0)))


def _inside(whole: str, seamed: str) -> bool:
    """Whether the digits are the numbers of the row from any one to the last: all, or the end (`ending in 4242`)."""
    joined = ""
    for group in reversed(seamed.split("|")):
        joined = group + joined
        if joined == whole:
            return True
    return False


@lru_cache(maxsize=32)
def _date_names(language: str) -> dict[str, tuple[str, int]]:
    from babel import Locale, UnknownLocaleError  # type: ignore[import-untyped,unused-ignore]

    try:
        locale = Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        return {}
    names: dict[str, tuple[str, int]] = {}
    for kind in ("format", "stand-alone"):
        for index, name in locale.days[kind]["wide"].items():
            names[name.casefold()] = ("day", index)
        for index, name in locale.months[kind]["wide"].items():
            names[name.casefold()] = ("month", index - 1)
    return names


def _dates(text: str, language: str, *, claims: bool) -> set[tuple[str, object]]:
    return {date for _, date in _named_dates(text, language, claims=claims)}


def _named_dates(text: str, language: str, *, claims: bool) -> Iterator[tuple[str, tuple[str, object]]]:
    """Weekdays, months, today and the like."""
    names = _date_names(language)
    for match in CAPITALISED.finditer(text.replace("’", "'")):
        word = match.group(0).casefold().removesuffix("'s")
        if claims and word in _AMBIGUOUS and not match.group(0)[0].isupper():
            continue
        for form in (word, word.removesuffix("s")):
            if form in names:
                yield match.group(0), names[form]
                break
        else:
            if word in _RELATIVE_DAYS and not (claims and word in _AMBIGUOUS):
                yield match.group(0), ("relative", _RELATIVE_DAYS[word])
