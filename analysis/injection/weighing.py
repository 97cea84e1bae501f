"""How likely a sentence is about the record of the call, or meant for what makes it: a logistic regression.

Over what is done in the sentence (`acts`) and, with the sentence encoder whose weights it was fitted on, over its
vector. `python -m bench.injection_weights` fits both and says from what.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.encoder.vectors import SentenceEncoder
from analysis.injection.acts import acts_in

WEIGHTS = Path(__file__).parent / "weights.json"
WITH_ENCODER, WORDS_ALONE = "acts and encoder", "acts"
FLAGGED = {WITH_ENCODER: 0.6, WORDS_ALONE: 0.75}
"""Probability from which a sentence is left out: words alone are often wrong below."""
DOUBTFUL = {WITH_ENCODER: 0.05, WORDS_ALONE: 0.5}
"""Probability from which nothing rests on a sentence alone unsaid: few ordinary calls have one."""
_WORTH_A_LOOK = 0.02
"""Probability by its words alone below which a sentence is not encoded: of the sentences that are meant for a model
three in a hundred are lost so, and most of a call's need not be encoded."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Fitted weights of one method."""

    constant: float
    acts: Mapping[str, float]
    vector: npt.NDArray[np.float64]
    """One for each dimension of the encoder's vectors; none for words alone."""
    space: str | None
    """Of the encoder they are for."""

    def of_acts(self, text: str) -> float:
        found = acts_in(text)
        return self.constant + math.fsum(value * self.acts.get(name, 0.0) for name, value in found.items())


def probabilities(texts: Sequence[str], encoder: SentenceEncoder | None) -> list[float]:
    """Of each sentence, 0..1. Without an encoder, or with another one than the weights are for, by words alone."""
    by_words = fitted(WORDS_ALONE)
    found = [_share(by_words.of_acts(text)) for text in texts]
    if encoder is None or method_of(encoder) == WORDS_ALONE:
        return found
    with_encoder = fitted(WITH_ENCODER)
    looked_at = [index for index, share in enumerate(found) if share >= _WORTH_A_LOOK]
    vectors = encoder.encode([texts[index] for index in looked_at]).astype(np.float64)
    for index, vector in zip(looked_at, vectors, strict=True):
        found[index] = _share(with_encoder.of_acts(texts[index]) + float(vector @ with_encoder.vector))
    return found


def method_of(encoder: SentenceEncoder | None) -> str:
    """By which of the weights sentences are told apart."""
    fits = encoder is not None and encoder.space == fitted(WITH_ENCODER).space
    return WITH_ENCODER if fits else WORDS_ALONE


def _share(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))


@functools.lru_cache(maxsize=2)
def fitted(method: str) -> Weights:
    """The weights that come with Earshot."""
    found = json.loads(WEIGHTS.read_text(encoding="utf-8"))[method]
    return Weights(
        float(found["constant"]),
        {name: float(value) for name, value in found["acts"].items()},
        np.asarray(found["vector"], dtype=np.float64),
        found["space"],
    )
