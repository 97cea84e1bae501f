"""Words, stems and sentences of transcripts in many languages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french",
    "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian",
    "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
"""ISO 639-1 code to Snowball algorithm; words of other languages are compared as they are written."""

# Function words and the small talk every call is full of. The published English lists are no use here: they hold
# `bill`, `call`, `find`, `detail`, `order`: what business calls are about.
_STOP_WORDS_DIR = Path(__file__).parent / "stop_words"

_MARKS = re.compile(r"\[[^\]]*\]|<[^>]*>")
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?…。！？])\s+")
# A full stop behind these ends no sentence, whatever follows: a name, a number or an example does.
_BEFORE_MORE = re.compile(
    r"(?:^|(?<=[\s(\"'’“]))(?:dr|mr|mrs|ms|messrs|prof|rev|hon|sgt|capt|lt|gen|st|mt|e\.g|i\.e|cf|vs|approx"
    r"|mme|mlle|z\.b|d\.h|nr|sra?|srta)\.$",
    re.IGNORECASE,
)
_NUMBER_FOLLOWS = re.compile(r"(?:^|\s)(?:no|nos|art|ext|p|pp|vol|op|n)\.$", re.IGNORECASE)
# Behind these it does where a new sentence begins: with a capital that is no day, month or time zone.
_BEFORE_CAPITAL = re.compile(
    r"(?:^|(?<=[\s(]))(?:(?:\d{1,2}(?:[:.]\d{2})?)?[ap]\.m|ft|inc|ltd|co|corp|bros|etc|jr|sr|ave|rd|blvd|min|sec|hrs?|mins?"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|mon|tues?|wed|thurs?|fri|sat|sun|u\.s(?:\.a)?|u\.k|ph\.d|bzw|usw)\.$",
    re.IGNORECASE,
)
_INITIAL = re.compile(r"(?:^|[\s.])[B-HJ-Z]\.$")
_GOES_ON = re.compile(
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|june|july|august|september|october"
    r"|november|december|eastern|central|pacific|gmt|utc|est|pst|cet)\b",
    re.IGNORECASE,
)


def without_marks(text: str) -> str:
    """The text without `[noise]` and `<unk>`."""
    return _MARKS.sub(" ", text)


def words(text: str) -> list[str]:
    """Words in order, case-folded, typographic apostrophes made plain, `[noise]` marks left out."""
    return _WORD.findall(_folded(without_marks(text)))


def placed_words(text: str) -> list[tuple[str, int, int]]:
    """The words with their places in `text`: word, first character, character after the last."""
    masked = _MARKS.sub(lambda mark: " " * len(mark.group()), text)
    return [(_folded(found.group()), found.start(), found.end()) for found in _WORD.finditer(masked)]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold().replace("’", "'")


def sentences(text: str) -> list[str]:
    """Sentences in order; text without punctuation is one sentence."""
    return split_sentences(without_marks(text))


def split_sentences(text: str) -> list[str]:
    """Sentences in order, with text in brackets kept. "a.m.", "Dr." and "No. 5" end none."""
    return [text[start:end] for start, end in sentence_spans(text)]


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """From where to where each sentence goes in the text, without the blanks around it."""
    spans, start = [], len(text) - len(text.lstrip())
    for gap in _SENTENCE_END.finditer(text):
        if gap.start() > start and gap.end() < len(text) and _ends(text[start : gap.start()], text[gap.end() :]):
            spans.append((start, gap.start()))
            start = gap.end()
    end = len(text.rstrip())
    return [*spans, (start, end)] if end > start else spans


def _ends(said: str, rest: str) -> bool:
    """Whether the sentence is over at the mark that `said` ends with."""
    if not said.endswith("."):
        return True
    last = said[-14:]
    if _BEFORE_MORE.search(last) or (_NUMBER_FOLLOWS.search(last) and rest[:1].isdigit()):
        return False
    if _INITIAL.search(last):  # "J. Smith", but "plan B. Then"
        following = _WORD.match(rest)
        return following is None or not rest[:1].isupper() or following[0].casefold() in stop_words("en")
    if _BEFORE_CAPITAL.search(last):
        return rest[:1].isupper() and not _GOES_ON.match(rest)
    return True


def squeezed(text: str) -> str:
    """Case-folded words with single spaces: two texts that differ in case, spacing and punctuation are equal."""
    return " ".join(words(text))


@lru_cache(maxsize=64)
def stop_words(language: str | None) -> frozenset[str]:
    """Function words of the language; empty where none are known."""
    own = _STOP_WORDS_DIR / f"{language or 'en'}.txt"
    if own.is_file():
        lines = own.read_text(encoding="utf-8").splitlines()
        return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
    import stop_words as published  # type: ignore[import-untyped]

    name = published.LANGUAGE_MAPPING.get(language)
    return frozenset(word.casefold() for word in published.get_stop_words(name)) if name else frozenset()


@lru_cache(maxsize=64)
def _stem_word(language: str | None) -> Callable[[str], str]:
    algorithm = STEMMERS.get(language or "en")
    if algorithm is None:
        return str
    import snowballstemmer

    stem = snowballstemmer.stemmer(algorithm).stemWord
    return lru_cache(maxsize=20_000)(stem)


def stems(sequence: Sequence[str], language: str | None) -> list[str]:
    """The stem of each word by the language's Snowball algorithm; the word itself where there is none."""
    stem = _stem_word(language)
    return [stem(word.removesuffix("'s")) for word in sequence]


def content_stems(text: str, language: str | None) -> list[str]:
    """Stems of the words that carry meaning, in order, repeats kept."""
    skipped = stop_words(language)
    return stems([word for word in words(text) if word not in skipped and len(word) > 1], language)
