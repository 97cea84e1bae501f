"""Word and character error rate with their parts, by jiwer, on texts brought to one form first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

_CONTEXT_WORDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class WordErrors:
    """Counts over one or many texts, of words or of characters."""

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


@dataclass(frozen=True)
class Alignment:
    """Two lists of words, word against word, with the fewest errors."""

    reference: tuple[str, ...]
    heard: tuple[str, ...]
    pairs: tuple[tuple[int | None, int | None], ...]
    """Places in both, in order; None on one side for a word deleted or inserted."""

    @cached_property
    def hits(self) -> Mapping[int, int]:
        """Places of the words that are right: in the reference, and as heard."""
        return {
            expected: heard
            for expected, heard in self.pairs
            if expected is not None and heard is not None and self.reference[expected] == self.heard[heard]
        }

    @property
    def errors(self) -> WordErrors:
        deleted = sum(heard is None for _, heard in self.pairs)
        inserted = sum(expected is None for expected, _ in self.pairs)
        return WordErrors(
            substitutions=len(self.pairs) - deleted - inserted - len(self.hits),
            deletions=deleted,
            insertions=inserted,
            hits=len(self.hits),
        )


def align(reference: Sequence[str], heard: Sequence[str]) -> Alignment:
    """Words as `normaliser.words_of` gives them: without spaces."""
    return Alignment(tuple(reference), tuple(heard), tuple(_pairs(reference, heard)))


def _pairs(reference: Sequence[str], heard: Sequence[str]) -> Iterator[tuple[int | None, int | None]]:
    if not reference:
        yield from ((None, index) for index in range(len(heard)))
        return
    import jiwer

    for chunk in jiwer.process_words(" ".join(reference), " ".join(heard)).alignments[0]:
        expected = range(chunk.ref_start_idx, chunk.ref_end_idx)
        got = range(chunk.hyp_start_idx, chunk.hyp_end_idx)
        if chunk.type == "delete":
            yield from ((index, None) for index in expected)
        elif chunk.type == "insert":
            yield from ((None, index) for index in got)
        else:
            yield from zip(expected, got, strict=True)


def character_errors(reference: str, heard: str) -> WordErrors:
    """Of two normalised texts; the space between words is a character."""
    if not reference:
        return WordErrors(substitutions=0, deletions=0, insertions=len(heard), hits=0)
    import jiwer

    found = jiwer.process_characters(reference, heard)
    return WordErrors(
        substitutions=found.substitutions, deletions=found.deletions, insertions=found.insertions, hits=found.hits
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """A word taken for another, left out, or made up."""

    expected: str | None
    """None for a word made up."""
    heard: str | None
    """None for a word left out."""
    times: int
    calls: int
    example_call: str
    example_expected: str
    """The words around the first of them, as they were said, ..."""
    example_heard: str
    """... and as they were heard."""


def confusions(calls: Iterable[tuple[str, Alignment]], most: int) -> list[Confusion]:
    """The most frequent errors, by name of call and alignment of a side; ties are in alphabetical order."""
    counted: Counter[tuple[str, str]] = Counter()
    in_calls: dict[tuple[str, str], set[str]] = {}
    examples: dict[tuple[str, str], tuple[str, str, str]] = {}
    for call, alignment in calls:
        for number, (expected, got) in enumerate(alignment.pairs):
            if expected is not None and expected in alignment.hits:
                continue
            key = (
                "" if expected is None else alignment.reference[expected],
                "" if got is None else alignment.heard[got],
            )
            counted[key] += 1
            in_calls.setdefault(key, set()).add(call)
            if key not in examples:
                examples[key] = (call, *_around(alignment, number))
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:most]
    return [
        Confusion(
            expected=key[0] or None,
            heard=key[1] or None,
            times=times,
            calls=len(in_calls[key]),
            example_call=examples[key][0],
            example_expected=examples[key][1],
            example_heard=examples[key][2],
        )
        for key, times in ranked
    ]


def _around(alignment: Alignment, number: int) -> tuple[str, str]:
    near = alignment.pairs[max(0, number - _CONTEXT_WORDS) : number + _CONTEXT_WORDS + 1]
    return (
        " ".join(alignment.reference[expected] for expected, _ in near if expected is not None),
        " ".join(alignment.heard[got] for _, got in near if got is not None),
    )
