"""What a listener says to show that he listens ("mm-hm", "okay"): Yngve 1970, "On getting a word in edgewise"."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

from analysis.text import words
from pipeline.config.yaml_reader import read_yaml_file

_FILE = Path(__file__).parent / "backchannels.yaml"


def is_backchannel(text: str, language: str | None) -> bool:
    """Whether the text is nothing but listener's phrases of the language, one or several in a row.

    False where the language has no list, or is not known: nobody's words are taken for nothing.
    """
    phrases = _phrases().get(language or "", frozenset())
    return bool(phrases) and _made_of(tuple(words(text)), phrases)


def _made_of(said: tuple[str, ...], phrases: frozenset[tuple[str, ...]]) -> bool:
    """Whether `said` can be cut into phrases; an empty text cannot."""
    reached = {0}
    for end in range(1, len(said) + 1):
        if any(end - len(phrase) in reached and said[end - len(phrase) : end] == phrase for phrase in phrases):
            reached.add(end)
    return bool(said) and len(said) in reached


@functools.cache
def _phrases() -> Mapping[str, frozenset[tuple[str, ...]]]:
    """By ISO 639-1 code, each phrase as its words."""
    content = read_yaml_file(_FILE).value
    return {
        language: frozenset(tuple(words(phrase)) for phrase in _flat(listed)) for language, listed in content.items()
    }


def _flat(listed: Sequence[str | Sequence[str]]) -> list[str]:
    return [phrase for part in listed for phrase in ([part] if isinstance(part, str) else part)]
