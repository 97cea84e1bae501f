"""A stretch of a text that is personal data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby


@dataclass(frozen=True, slots=True)
class PersonalSpan:
    """Where, and what its placeholder is called. Of two that overlap the lower rank wins, then the longer."""

    start: int
    end: int
    name: str
    """`CARD`, `CODE`, `PHONE`, `EMAIL`, `IBAN`, `ID`, `ACCOUNT`, `BIRTH`, `NAME`, `ADDRESS`, `REFERENCE`, or a custom
    pattern's."""
    rank: int


def without_overlaps(found: Sequence[PersonalSpan]) -> list[PersonalSpan]:
    """The winners in order of place; what of a loser lies beside a winner stays, as a span of its own.

    Linear in the length of all spans together.
    """
    if not found:
        return []
    first = min(span.start for span in found)
    owners = [-1] * (max(span.end for span in found) - first)
    ordered = sorted(found, key=lambda span: (span.rank, span.start - span.end, span.start))
    for index in reversed(range(len(ordered))):
        span = ordered[index]
        owners[span.start - first : span.end - first] = [index] * (span.end - span.start)
    kept: list[PersonalSpan] = []
    start = first
    for owner, stretch in groupby(owners):
        end = start + sum(1 for _ in stretch)
        if owner >= 0:
            kept.append(replace(ordered[owner], start=start, end=end))
        start = end
    return kept


def word_set(text: str) -> frozenset[str]:
    """The words of a list written as text."""
    return frozenset(text.split())
