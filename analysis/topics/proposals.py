"""Terms proposed for calls that fit no topic: what the glossary may lack."""

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
    glossary: str | None
    """Version (content hash) of the catalogue that lacked the term."""


def proposed_terms(topics: Iterable[Topic]) -> list[Proposal]:
    """The most frequent first; each call counts a term once."""
    counts: Counter[tuple[str, str | None, str | None]] = Counter()
    for topic in topics:
        if topic.topic == OTHER:
            terms = {term.casefold() for term in topic.proposed_terms}
            counts.update({(term, topic.catalogue, topic.glossary_hash) for term in terms})
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or "", item[0][2] or ""))
    return [Proposal(term, calls, catalogue, glossary) for (term, catalogue, glossary), calls in ranked]
