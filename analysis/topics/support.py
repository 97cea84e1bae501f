"""The lines of a call that show what it is about."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.calls import in_order, language_of
from analysis.encoder.everyday import Scale
from analysis.encoder.vectors import EncoderChoice
from analysis.evidence import find_quote
from analysis.glossary.catalogue import Label
from analysis.records import Evidence
from analysis.text import content_stems, sentences, words
from analysis.topics.shortlist import label_texts
from pipeline.records import CallForAnalysis, Role

_MIN_WORDS = 3
_MIN_COSINE = 0.25
"""Sentences of MiniLM's space that are further apart have nothing to do with each other."""
_OF_THE_BEST = 0.75
"""Further lines are quoted when they are at least this share as close as the closest."""


def lines_about(call: CallForAnalysis, label: Label, encoder: EncoderChoice, most: int) -> tuple[Evidence, ...]:
    """At most `most` sentences that are about the label, in order of time; the client's where there are any.

    Closest by the encoder; where none knows the language, those that share the most content words with the label.
    """
    chunks = in_order(call.transcript.believed)
    spoken = [
        (sentence, chunk)
        for chunk in chunks
        for sentence in sentences(chunk.text)
        if len(words(sentence)) >= _MIN_WORDS
    ]
    client = [pair for pair in spoken if pair[1].role is Role.CLIENT]
    for pairs in (client, spoken):
        worth = _worth([sentence for sentence, _ in pairs], label, language_of(call), encoder)
        ranked = sorted(((value, -number) for number, value in enumerate(worth) if value > 0), reverse=True)[:most]
        if ranked:
            kept = sorted(-earlier for value, earlier in ranked if value >= _OF_THE_BEST * ranked[0][0])
            found = [find_quote(sentence, (chunk,)) for sentence, chunk in map(pairs.__getitem__, kept)]
            return tuple(evidence for evidence in found if evidence is not None)
    return ()


def _worth(texts: Sequence[str], label: Label, language: str | None, encoder: EncoderChoice) -> list[float]:
    """How much each text is about the label; 0 for not at all."""
    known = encoder.for_language(language)
    if not texts:
        return []
    if known is None:
        wanted = {stem for text in label_texts(label) for stem in content_stems(text, language)}
        return [float(len(wanted.intersection(content_stems(text, language)))) for text in texts]
    closeness = Scale(known).of((known.encode(texts) @ known.encode(label_texts(label)).T).max(axis=1))
    return [float(value) if value >= _MIN_COSINE else 0.0 for value in closeness]
