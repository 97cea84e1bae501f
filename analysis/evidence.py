"""Quotes, and whether they were said: the trail from a claim back to a moment in the recording."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analysis.calls import in_order
from analysis.records import Evidence
from analysis.text import squeezed
from pipeline.records import TranscriptChunk

_MIN_QUOTE_CHARS = 3


def find_quote(quote: str, chunks: Sequence[TranscriptChunk]) -> Evidence | None:
    """The quote as it stands in a chunk, or None when nobody said it.

    Case, spacing and punctuation may differ; words may not, and must be whole and in order. The evidence's quote is
    cut from the chunk itself, so it is verbatim. Where several chunks hold it the earliest counts.
    """
    wanted = squeezed(quote)
    if len(wanted) < _MIN_QUOTE_CHARS:
        return None
    for chunk in in_order(chunks):
        if f" {wanted} " in f" {squeezed(chunk.text)} ":
            return Evidence(
                quote=_cut(chunk.text, wanted), channel=chunk.channel, ordinal=chunk.ordinal, start_s=chunk.start_s
            )
    return None


def _cut(text: str, wanted: str) -> str:
    """The stretch of `text` whose squeezed form is `wanted`; the whole text where marks stand in between."""
    pattern = r"[\W_]+".join(re.escape(word) for word in wanted.split())
    found = re.search(rf"(?<!\w){pattern}(?!\w)", text.replace("’", "'"), re.IGNORECASE)
    return text[found.start() : found.end()] if found else text
