"""A stretch of a text that is personal data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PersonalSpan:
    """Where, and what its placeholder is called. Of two that overlap the lower rank wins, then the longer."""

    start: int
    end: int
    name: str
    """`CARD`, `PHONE`, `EMAIL`, `IBAN`, `ID`, `ACCOUNT` or a custom pattern's name."""
    rank: int


def without_overlaps(found: list[PersonalSpan]) -> list[PersonalSpan]:
    """The winners, in order of place."""
    kept: list[PersonalSpan] = []
    for span in sorted(found, key=lambda item: (item.rank, item.start - item.end, item.start)):
        if all(span.end <= other.start or span.start >= other.end for other in kept):
            kept.append(span)
    return sorted(kept, key=lambda item: item.start)


def word_set(text: str) -> frozenset[str]:
    """The words of a list written as text."""
    return frozenset(text.split())
