"""Another encoder by setting: pooling, prefix, length and what cannot be a sentence encoder, with a tiny graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import SentenceEncoder, Vectors
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.errors import ModelUnavailable
from tests.analysis.encoder.tiny_graph import WORDS, table, write_tiny_encoder


def opened(folder: Path, **settings: object) -> SentenceEncoder:
    given = {"model": str(folder), "revision": None, "languages": None, **settings}
    encoder = open_encoder(EncoderSettings.model_validate(given)).encoder
    assert encoder is not None
    return encoder


def unit(values: Vectors) -> Vectors:
    return np.asarray(values / np.linalg.norm(values), dtype=np.float32)


def rows_of(text: str) -> Vectors:
    return np.asarray(table()[[WORDS.index(word) for word in text.split()]])


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, rows_of("my card is lost").mean(axis=0)),
        ({"pooling": "first"}, rows_of("my")[0]),
        ({"prefix": "query "}, rows_of("query my card is lost").mean(axis=0)),
    ],
    ids=["mean", "first", "prefix"],
)
def test_a_folder_by_setting_gives_its_own_vectors(
    tmp_path: Path, settings: dict[str, object], wanted: Vectors
) -> None:
    [found] = opened(write_tiny_encoder(tmp_path / "tiny"), **settings).encode(["my card is lost"])
    assert found.tolist() == pytest.approx(unit(wanted).tolist(), abs=1e-6)


def test_a_longer_text_is_cut_off(tmp_path: Path) -> None:
    encoder = opened(write_tiny_encoder(tmp_path / "tiny"), max_tokens=8)
    first, longer = encoder.encode(["my card is lost my card is lost", "my card is lost my card is lost parcel parcel"])
    assert first.tolist() == longer.tolist()


def test_any_language_is_known_where_none_is_named(tmp_path: Path) -> None:
    folder = write_tiny_encoder(tmp_path / "tiny")
    assert opened(folder).knows("ar")
    assert not opened(folder, languages=("en",)).knows("ar")


def test_a_graph_that_gives_one_vector_a_text_is_named(tmp_path: Path) -> None:
    """The mean over its dimensions would be one number, and every two texts alike."""
    encoder = opened(write_tiny_encoder(tmp_path / "pooled", pooled=True))
    with pytest.raises(ModelUnavailable, match=r"gives 2 dimensions.*a vector for each token"):
        encoder.encode(["my card is lost"])
