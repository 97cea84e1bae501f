"""Phrases that give a party away, and whether they were said."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pipeline.config.yaml_reader import read_yaml_file
from pipeline.errors import ConfigurationError

Kind = Literal["greeting", "service", "client"]
KINDS: tuple[Kind, ...] = ("greeting", "service", "client")
Phrases = Mapping[str, Mapping[Kind, tuple[str, ...]]]
"""By ISO 639-1 code and kind, as `plain` leaves them."""

SHIPPED = Path(__file__).parent / "role_phrases.yaml"
_SHORT = 10
_LETTERS = str.maketrans({"ى": "ي", "ة": "ه", "ـ": None, "'": None, "’": None})


def plain(text: str) -> str:
    """Case, accents, vowel signs, apostrophes and punctuation taken away; single spaces."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(c for c in letters if not unicodedata.combining(c)).translate(_LETTERS)
    return " ".join(re.findall(r"\w+", letters))


@functools.cache
def read_phrases(path: Path) -> Phrases:
    """Raises ConfigurationError for a file that is not there or not laid out like the shipped one."""
    wanted = f"languages, each with lists under {', '.join(KINDS)}"
    try:
        content = read_yaml_file(path, as_text=True).value
    except ConfigurationError as error:
        raise ConfigurationError(f"diarisation.roles.phrases_file: {error}") from None
    try:
        unknown = {str(kind) for kinds in content.values() for kind in kinds} - set(KINDS)
        if unknown:
            raise ConfigurationError(f"diarisation.roles.phrases_file: {path}: no kind {', '.join(sorted(unknown))}")
        if any(not isinstance(said, list) for kinds in content.values() for said in kinds.values()):
            raise TypeError
        return {
            str(language): {
                kind: tuple(sorted({plain(str(phrase)) for phrase in kinds.get(kind, ())} - {""})) for kind in KINDS
            }
            for language, kinds in content.items()
        }
    except (AttributeError, TypeError) as error:
        raise ConfigurationError(f"diarisation.roles.phrases_file: {path}: {wanted} expected") from error


def longest_said(text: str, phrases: Iterable[str], min_similarity: float) -> str | None:
    """The longest phrase that occurs in `text` (both plain). Exact matches come first; None when there is none."""
    from rapidfuzz import fuzz

    padded = f" {text} "
    by_length = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    exact = next((phrase for phrase in by_length if f" {phrase} " in padded), None)
    if exact is not None:
        return exact
    return next(
        (
            phrase
            for phrase in by_length
            if _SHORT <= len(phrase) <= len(text) and fuzz.partial_ratio(phrase, text) >= 100 * min_similarity
        ),
        None,
    )
