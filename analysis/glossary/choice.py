"""Which catalogue a call is matched with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, zip_longest

from analysis.glossary.catalogue import Glossary, fitting
from analysis.glossary.reader import load_glossary
from pipeline.config.areas.language import GlossarySettings
from pipeline.records import CustomerSegment


@dataclass(frozen=True, slots=True)
class Catalogues:
    """The catalogues there are, by segment."""

    by_segment: Mapping[CustomerSegment, Glossary]
    when_unknown: CustomerSegment | None
    """Catalogue for calls of unknown segment; None to compare the catalogues."""

    @property
    def content_hash(self) -> str:
        return "+".join(glossary.content_hash[:16] for glossary in self.by_segment.values())

    def for_call(self, segment: CustomerSegment | None) -> tuple[Glossary, ...]:
        """The catalogue of the segment, or all of them where a first classification has to choose."""
        known = segment or self.when_unknown
        if known is not None and known in self.by_segment:
            return (self.by_segment[known],)
        if segment is not None:
            # Never a label of the other kind of customer.
            return ()
        return tuple(self.by_segment.values())

    def context_terms(self, limit: int) -> str:
        """Domain terms of all catalogues in turn for a recogniser's vocabulary, at most `limit` characters."""
        lists = [glossary.context_terms(limit) for glossary in self.by_segment.values()]
        in_turn = chain.from_iterable(zip_longest(*lists))
        return ", ".join(fitting((term for term in in_turn if term), limit))


def load_catalogues(settings: GlossarySettings) -> Catalogues:
    """Read the catalogues the configuration names. Raises ConfigurationError."""
    files = {CustomerSegment.B2B: settings.b2b, CustomerSegment.B2C: settings.b2c}
    loaded = {segment: load_glossary(path, segment.value) for segment, path in files.items() if path is not None}
    unknown = settings.when_segment_unknown
    return Catalogues(loaded, None if unknown == "classify" else CustomerSegment(unknown))
