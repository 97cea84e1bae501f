"""Cosines of encoders whose vectors all point about one way, on the scale on which thresholds were chosen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from analysis.encoder.everyday import DEFAULT, EVERYDAY, Scale, everyday_likeness
from analysis.encoder.vectors import SentenceEncoder, Vectors
from tests.analysis.encoder.conftest import HashEncoder, real_encoder  # noqa: F401 - a fixture


class Spread(HashEncoder):
    """Vectors that point everywhere, but for what they all have in common."""

    def __init__(self, common: float) -> None:
        super().__init__()
        self._common = common

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = super().encode(texts)
        rows = rows - rows.mean(axis=1, keepdims=True)
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        rows = np.concatenate([rows, np.full((len(rows), 1), self._common, dtype=np.float32)], axis=1)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def test_where_vectors_point_everywhere_nothing_is_changed() -> None:
    encoder, cosines = Spread(0.3), np.asarray([-0.2, 0.1, 0.7], dtype=np.float32)
    assert everyday_likeness(encoder) < 0.2
    assert Scale(encoder).of(cosines) is cosines
    assert Scale(encoder).cosine_of(0.5) == 0.5


def test_in_a_cone_everyday_talk_comes_to_the_place_it_has_in_the_default_and_equal_texts_stay_at_one() -> None:
    encoder = Spread(2.0)
    everyday = everyday_likeness(encoder)
    assert everyday > 0.7
    scale = Scale(encoder)
    assert scale.of(np.asarray([everyday, 1.0])) == pytest.approx([DEFAULT, 1.0])
    assert scale.of(np.asarray([scale.cosine_of(0.5)])) == pytest.approx([0.5])


def test_the_default_encoder_stays_as_it_is(real_encoder: SentenceEncoder) -> None:  # noqa: F811
    assert everyday_likeness(real_encoder) == pytest.approx(DEFAULT, abs=0.005)


def test_everyday_sentences_are_asked_for_once() -> None:
    encoder = HashEncoder()
    scale = Scale(encoder)
    for _ in range(3):
        scale.of(np.asarray([0.5]))
    assert encoder.asked == list(EVERYDAY)
