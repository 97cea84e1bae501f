"""Small talk is told from substance by the encoder; of no sentence nothing is encoded."""

from __future__ import annotations

import numpy as np

from analysis.summary.reading.substance import Substance
from tests.analysis.encoder.conftest import HashEncoder


def test_of_no_sentence_there_is_nothing_to_tell() -> None:
    encoder = HashEncoder()
    assert Substance(encoder).small_talk(np.zeros((0, 0), dtype=np.float32)).shape == (0,)
    assert encoder.asked == []


def test_the_examples_are_encoded_once_and_told_apart() -> None:
    encoder = HashEncoder()
    substance = Substance(encoder)
    vectors = substance.vectors(["Good morning, how are you?", "I want my money back."])
    first = substance.small_talk(vectors)
    asked = len(encoder.asked)
    assert substance.small_talk(vectors).tolist() == first.tolist()
    assert len(encoder.asked) == asked > 100
    assert first.shape == (2,)
