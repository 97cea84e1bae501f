"""Misspelt words of a question: no call says them, no dictionary knows them, and a word that fits is one slip away."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from analysis.questions.asked import MOST_WORDS, asks_only
from analysis.text import placed_words

if TYPE_CHECKING:
    from spellchecker import SpellChecker

LEAST_LETTERS = 5
"""Of shorter words too many others are one slip away: wifi, wife."""
COMMON = 5_000
"""How often the dictionary's texts have a word that is taken though no call says it."""

Said = Callable[[Sequence[str]], Mapping[str, float]]
"""Of each word, in what share of the lines it is said."""


def respelt(text: str, language: str, said: Said) -> tuple[str, dict[str, str]]:
    """The question with its misspelt words put right, and which they were.

    One letter too many, too few, wrong, or two exchanged (Norvig 2007), never the first. A word with a capital inside a
    sentence is a name, and stays.
    """
    suspects = [
        (word, start, end)
        for word, start, end in placed_words(text)
        if len(word) >= LEAST_LETTERS and word.isalpha() and not (start and text[start].isupper())
    ][:MOST_WORDS]
    if not suspects or language not in _languages():
        return text, {}
    known = _dictionary(language)
    heard = said([word for word, _, _ in suspects])
    changed: dict[str, str] = {}
    unknown = [suspect for suspect in suspects if not (suspect[0] in known or heard.get(suspect[0], 0.0))]
    for word, start, end in reversed(unknown):
        meant = None if asks_only(word, language) else _meant(word, known, language, said)
        if meant is not None:
            changed[word] = meant
            text = text[:start] + meant + text[end:]
    return text, changed


def _meant(word: str, known: SpellChecker, language: str, said: Said) -> str | None:
    """Rather a word of calls or of questions than a common one; None where none fits."""
    candidates = [
        candidate
        for candidate in known.candidates(word) or ()
        if candidate != word and candidate[0] == word[0] and candidate.isalpha()
    ]
    if not candidates:
        return None
    heard = said(candidates)
    near = [candidate for candidate in candidates if heard.get(candidate, 0.0) or asks_only(candidate, language)]
    common = [candidate for candidate in candidates if known[candidate] >= COMMON]
    return max(near or common, key=lambda candidate: (known[candidate], candidate), default=None)


@functools.cache
def _languages() -> frozenset[str]:
    from spellchecker import SpellChecker

    return frozenset(SpellChecker.languages())


@functools.cache
def _dictionary(language: str) -> SpellChecker:
    from spellchecker import SpellChecker

    return SpellChecker(language=language, distance=1)
