"""Terms calls about something else brought up: what the glossary may be lacking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from analysis.glossary.catalogue import OTHER
from analysis.records import Topic


@dataclass(frozen=True, slots=True)
class Proposal:
    """A term and in how many calls answered `other` it was proposed."""

    term: str
    calls: int
    catalogue: str | None


def proposed_terms(topics: Iterable[Topic]) -> list[Proposal]:
    """The most frequent first; each call counts a term once."""
    counts: Counter[tuple[str, str | None]] = Counter()
    for topic in topics:
        if topic.topic == OTHER:
            counts.update({(term.casefold(), topic.catalogue) for term in topic.proposed_terms})
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0][0]))
    return [Proposal(term, calls, catalogue) for (term, catalogue), calls in ranked]
