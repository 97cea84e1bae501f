"""Words heard against words said."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.judging.normaliser import normalised
from pipeline.judging.word_error import NO_ERRORS, WordErrors, align


def word_errors(references: Sequence[str], heard: Sequence[str], language: str | None) -> WordErrors:
    """Errors of all pairs together, normalised. With an empty reference all words are insertions.

    Raises ValueError when the two are of different length.
    """
    total = NO_ERRORS
    for expected, got in zip(references, heard, strict=True):
        total += align(normalised(expected, language).split(), normalised(got, language).split()).errors
    return total
