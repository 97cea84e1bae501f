"""Word error rate with its parts, by jiwer, on texts brought to one form first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.transcription.text.rules import TextRules


@dataclass(frozen=True, slots=True, kw_only=True)
class WordErrors:
    """Counts over one or many texts."""

    substitutions: int
    deletions: int
    insertions: int
    hits: int

    @property
    def reference_words(self) -> int:
        return self.hits + self.substitutions + self.deletions

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """Errors per reference word, 0 and up; None without reference words."""
        return self.errors / self.reference_words if self.reference_words else None

    def __add__(self, other: WordErrors) -> WordErrors:
        return WordErrors(
            substitutions=self.substitutions + other.substitutions,
            deletions=self.deletions + other.deletions,
            insertions=self.insertions + other.insertions,
            hits=self.hits + other.hits,
        )


NO_ERRORS = WordErrors(substitutions=0, deletions=0, insertions=0, hits=0)


def word_errors(
    references: Sequence[str], hypotheses: Sequence[str], language: str | None, rules: TextRules | None = None
) -> WordErrors:
    """Errors of all pairs together, in the form of `rules.compared`. With an empty reference all words are insertions.

    Raises ValueError when the two are of different length.
    """
    import jiwer

    rules = rules or TextRules()
    total = NO_ERRORS
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        expected, got = rules.compared(reference, language), rules.compared(hypothesis, language)
        if not expected.split():
            total += WordErrors(substitutions=0, deletions=0, insertions=len(got.split()), hits=0)
            continue
        output = jiwer.process_words(expected, got)
        total += WordErrors(
            substitutions=output.substitutions,
            deletions=output.deletions,
            insertions=output.insertions,
            hits=output.hits,
        )
    return total
