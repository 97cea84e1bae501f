"""A question as it is typed: cleaned, its language guessed, the words that carry its meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from analysis.summary.language_check import likeliest_language
from analysis.text import stop_words, words
from pipeline.errors import ConfigurationError

LONGEST = 1000
"""Characters of a question that are read."""
LONGEST_WORD = 60
MOST_WORDS = 24
_OPERATORS = frozenset({"or", "and", "not"})
"""Words that a web search takes for operators."""
_ASKING = Path(__file__).parent / "asking_words.yaml"


_ELIDED = {
    "fr": re.compile(r"^(?:[ljdmtsnc]|qu|jusqu|lorsqu|puisqu)['’](?=\w)"),
    "it": re.compile(r"^(?:[ldcstmv]|un|dell|all|nell|dall|sull|quell)['’](?=\w)"),
}
"""`l'augmentation` is looked for, and said, as `augmentation`."""
_INVERTED = re.compile(r"(?:-t)?-(?:je|tu|il|elle|on|nous|vous|ils|elles|ce)$")
"""`veulent-ils`, `a-t-on`: how French asks."""


class QuestionUnusable(ConfigurationError):
    """A question that asks nothing: empty, or without a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question, ready to be looked for."""

    text: str
    """One line, without what no database stores."""
    language: str
    """ISO 639-1; English where it cannot be told."""
    content: tuple[str, ...]
    """Its words without function words and without those that only ask (`who`, `which calls`, `mention`); all its words
    where it has no others."""
    only_asks: bool = False
    """Whether it has no others."""


def read_question(question: str) -> Asked:
    """Raises QuestionUnusable."""
    text = _plain(question[:LONGEST])
    spoken = words(text)
    if not spoken:
        raise QuestionUnusable("the question holds no word; ask something, such as: why do customers cancel?")
    language = likeliest_language(spoken) or _asked_in(spoken) or "en"
    spoken = bare_words(text, language)
    left_out = stop_words(language) | _asking_words().get(language, frozenset()) | _OPERATORS
    kept = [word for word in dict.fromkeys(spoken) if word not in left_out and len(word) <= LONGEST_WORD]
    # A question of such words alone is looked for as it stands.
    fallback = [word for word in dict.fromkeys(spoken) if word not in _OPERATORS and len(word) <= LONGEST_WORD]
    content = tuple((kept or fallback)[:MOST_WORDS])
    return Asked(text=text, language=language, content=content, only_asks=not kept)


def asks_only(word: str, language: str) -> bool:
    """Whether people ask by this word, and ask not about it (`customers`, `mention`)."""
    return word in _asking_words().get(language, frozenset())


def bare_words(text: str, language: str | None) -> list[str]:
    """The words of a text without what French and Italian join to them."""
    spoken = words(text)
    elided = _ELIDED.get(language or "")
    if elided is not None:
        spoken = [elided.sub("", word) for word in spoken]
    return [_INVERTED.sub("", word) for word in spoken] if language == "fr" else spoken


def _asked_in(spoken: Sequence[str]) -> str | None:
    """The language whose questions alone begin with this word."""
    asking = [language for language, known in _asking_words().items() if spoken[0] in known]
    return asking[0] if len(asking) == 1 else None


def _plain(text: str) -> str:
    """Without NUL, lone surrogates and line breaks."""
    storable = "".join(character for character in text if character != "\x00" and not "\ud800" <= character <= "\udfff")
    return " ".join(storable.split())


@lru_cache(maxsize=1)
def _asking_words() -> Mapping[str, frozenset[str]]:
    table = yaml.safe_load(_ASKING.read_text(encoding="utf-8"))
    return {language: frozenset(text.split()) for language, text in table.items()}
