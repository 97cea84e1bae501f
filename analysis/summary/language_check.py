"""Did a text come in the language that was asked for? By the function words of each language."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.text import words

_LANGUAGES = ("en", "fr", "de", "es", "it", "nl", "pt")
_LEAST_WORDS = 6
"""Shorter texts are not told apart."""
_LEAD = 1.25


def language_that_came(texts: Sequence[str], wanted: str | None) -> str | None:
    """The language the texts are in instead of the wanted one; None where they are in it, or it cannot be told."""
    spoken = [word for text in texts for word in words(text)]
    wanted = (wanted or "en").partition("-")[0]
    if len(spoken) < _LEAST_WORDS or wanted not in _LANGUAGES:
        return None
    shares = {language: _share(spoken, language) for language in _LANGUAGES}
    likeliest = max(_LANGUAGES, key=lambda language: (shares[language], language == wanted))
    return likeliest if shares[likeliest] > _LEAD * shares[wanted] and likeliest != wanted else None


def likeliest_language(spoken: Sequence[str]) -> str | None:
    """The language whose function words are most among these words; None where none are, or two have as many."""
    shares = sorted(((_share(spoken, language), language) for language in _LANGUAGES), reverse=True) if spoken else []
    if not shares or not shares[0][0] or shares[0][0] == shares[1][0]:
        return None
    return shares[0][1]


def _share(spoken: Sequence[str], language: str) -> float:
    known = _function_words(language)
    return sum(word in known for word in spoken) / len(spoken)


def _function_words(language: str) -> frozenset[str]:
    # The published lists of all these languages are of one kind; our own English list is longer and would win.
    import stop_words as published  # type: ignore[import-untyped,unused-ignore]

    return frozenset(word.casefold() for word in published.get_stop_words(published.LANGUAGE_MAPPING[language]))
