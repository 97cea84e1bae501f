"""Which vectors a transcript's passages have: the recipe, and the making."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.encoder.vectors import EncoderChoice
from analysis.questions.passages import RECIPE, Cut, cut
from pipeline.records import TranscriptChunk


def recipe_of(encoder_identity: str) -> str:
    """What `indexed_transcripts.recipe` says of passages made with this encoder (`none`: without vectors)."""
    return f"{RECIPE}; {encoder_identity}"


def accepted_recipes(encoder: EncoderChoice) -> tuple[str, ...]:
    """Recipes under which passages stand: an encoder that is missing today made better ones before."""
    return tuple(recipe_of(identity) for identity in encoder.accepted)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A passage with its vector; None where the encoder does not know its language, or there is none."""

    cut: Cut
    vector: Sequence[float] | None


def encode(chunks: Sequence[TranscriptChunk], language: str | None, encoder: EncoderChoice) -> list[Encoded]:
    """The passages of a call."""
    passages = cut(chunks)
    serving = encoder.for_language(language)
    if serving is None or not passages:
        return [Encoded(passage, None) for passage in passages]
    vectors = serving.encode([passage.text for passage in passages])
    return [Encoded(passage, [float(x) for x in row]) for passage, row in zip(passages, vectors, strict=True)]
