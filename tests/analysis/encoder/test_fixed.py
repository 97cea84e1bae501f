"""Vectors of fixed phrases on disk: read instead of made, made again where anything differs, never of what was said."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.encoder.cached import CachedEncoder
from analysis.encoder.choice import fixed_vectors
from analysis.encoder.fixed import FixedVectors
from analysis.glossary.catalogue import Label
from analysis.summary.reading.substance import Substance
from analysis.topics.likeness import LabelLikeness
from pipeline.weights.hub import WeightsName
from tests.analysis.encoder.conftest import HashEncoder

PHRASES = ("Good morning.", "It rained all night.", "Good morning.")


def kept(folder: Path, *made_by: str) -> tuple[HashEncoder, CachedEncoder]:
    """An encoder as at the start of a process, and what it asks."""
    plain = HashEncoder()
    return plain, CachedEncoder(plain, 100, FixedVectors(folder, made_by or ("hash",)))


def test_the_next_start_reads_them_bit_by_bit(tmp_path: Path) -> None:
    first, second = kept(tmp_path), kept(tmp_path)
    made = first[1].encode_fixed(PHRASES)
    read = second[1].encode_fixed(PHRASES)
    assert first[0].asked == list(PHRASES[:2])
    assert second[0].asked == []
    assert read.tobytes() == made.tobytes() == HashEncoder().encode(PHRASES).tobytes()
    assert second[1].encode([PHRASES[1]]).tobytes() == made[1].tobytes()
    assert second[0].asked == []  # a line that is one of the phrases needs no encoding either


@pytest.mark.parametrize(
    ("made_by", "phrases"),
    [
        (("another encoder",), PHRASES),
        (("hash", "onnxruntime 9"), PHRASES),
        (("hash",), PHRASES[:2]),
        (("hash",), ("It rained all night.", "Good morning.", "Good morning.")),
        (("hash",), ("Good morning.It rained all night.", "", "Good morning.")),
    ],
)
def test_another_encoder_library_text_or_order_makes_them_anew(
    tmp_path: Path, made_by: tuple[str, ...], phrases: tuple[str, ...]
) -> None:
    kept(tmp_path)[1].encode_fixed(PHRASES)
    plain, encoder = kept(tmp_path, *made_by)
    assert np.array_equal(encoder.encode_fixed(phrases), HashEncoder().encode(phrases))
    assert plain.asked


def test_what_is_said_is_never_kept(tmp_path: Path) -> None:
    _, encoder = kept(tmp_path)
    encoder.encode(["My number is four one nine."])
    assert list(tmp_path.iterdir()) == []
    encoder.encode_fixed(PHRASES)
    (file,) = tmp_path.iterdir()
    assert b"rained" not in file.read_bytes()


def _array_file(content: bytes) -> bytes:
    return b"\x93NUMPY" + content


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:200] + bytes([content[200] ^ 1]) + content[201:],
        lambda content: b"not an archive at all",
        _array_file,
    ],
    ids=["empty", "cut off", "one bit", "text", "another kind"],
)
def test_a_damaged_file_is_made_again(tmp_path: Path, damage: object) -> None:
    made = kept(tmp_path)[1].encode_fixed(PHRASES)
    (file,) = tmp_path.iterdir()
    sound = file.read_bytes()
    assert callable(damage)
    file.write_bytes(damage(sound))
    plain, encoder = kept(tmp_path)
    assert encoder.encode_fixed(PHRASES).tobytes() == made.tobytes()
    assert plain.asked == list(PHRASES[:2])
    assert np.array_equal(np.load(file)["vectors"], made)


@pytest.mark.parametrize(
    "vectors",
    [
        HashEncoder().encode(PHRASES).astype(np.float64),
        HashEncoder().encode(PHRASES)[:2],
        HashEncoder().encode(PHRASES)[:, 0],
        np.zeros((3, 2, 2), dtype=np.float32),
    ],
    ids=["float64", "a row less", "one number each", "tables"],
)
def test_vectors_of_another_shape_or_kind_are_made_again(tmp_path: Path, vectors: npt.NDArray[np.float64]) -> None:
    made = kept(tmp_path)[1].encode_fixed(PHRASES)
    (file,) = tmp_path.iterdir()
    np.savez(file, vectors=vectors)
    assert kept(tmp_path)[1].encode_fixed(PHRASES).tobytes() == made.tobytes()
    assert np.load(file)["vectors"].dtype == np.float32


def test_what_cannot_take_its_place_leaves_nothing_behind(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept(tmp_path)[1].encode_fixed(PHRASES)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o644
    file.unlink()
    file.mkdir()
    with caplog.at_level("INFO"):
        assert np.array_equal(kept(tmp_path)[1].encode_fixed(PHRASES), HashEncoder().encode(PHRASES))
    assert list(tmp_path.iterdir()) == [file]
    assert [str(file) in message for message in caplog.messages] == [True, True]


def test_files_that_are_used_stay(tmp_path: Path) -> None:
    for number in range(40):
        kept(tmp_path)[1].encode_fixed([f"label {number}"])
    for age, file in enumerate(sorted(tmp_path.iterdir(), key=lambda file: file.stat().st_mtime_ns)):
        os.utime(file, (age, age))
    kept(tmp_path)[1].encode_fixed(["label 0"])
    kept(tmp_path)[1].encode_fixed(["label 40"])
    plain, encoder = kept(tmp_path)
    encoder.encode_fixed(["label 0"])
    assert plain.asked == []
    assert len(list(tmp_path.iterdir())) == 40


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "vectors").write_text("a file where the folder should be")
    _, encoder = kept(tmp_path / "vectors")
    assert np.array_equal(encoder.encode_fixed(PHRASES), HashEncoder().encode(PHRASES))


def test_starts_at_the_same_time_share_one_whole_file(tmp_path: Path) -> None:
    found: list[bytes] = []
    starts = [
        threading.Thread(target=lambda: found.append(kept(tmp_path)[1].encode_fixed(PHRASES).tobytes()))
        for _ in range(8)
    ]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert set(found) == {HashEncoder().encode(PHRASES).tobytes()}
    assert len(found) == 8
    assert len(list(tmp_path.iterdir())) == 1


def test_files_of_old_glossaries_go(tmp_path: Path) -> None:
    _, encoder = kept(tmp_path)
    for number in range(45):
        encoder.encode_fixed([f"label {number}"])
    assert len(list(tmp_path.iterdir())) == 40
    plain, newest = kept(tmp_path)
    newest.encode_fixed(["label 44"])
    assert plain.asked == []


def test_weights_without_a_revision_keep_nothing() -> None:
    """Tomorrow the hub may give others under the same name."""
    assert fixed_vectors("onnx owner/name@None {}", WeightsName(model="owner/name", revision=None)) is None
    assert fixed_vectors("onnx owner/name@a {}", WeightsName(model="owner/name", revision="a" * 40)) is not None


LABEL = Label(topic="card", subtopic="lost_card", keywords=("stolen card",), examples=("Somebody took my card",))


def test_a_second_start_encodes_only_what_was_said(tmp_path: Path) -> None:
    """Topics and summaries put the same phrases of ours through the encoder at every start."""

    def start() -> list[str]:
        plain, encoder = kept(tmp_path)
        LabelLikeness([LABEL], encoder).by_line(["I lost my card."])
        Substance(encoder).small_talk(encoder.encode(["How are you?"]))
        return plain.asked

    assert len(start()) > 200
    assert set(start()) == {"I lost my card.", "How are you?"}


@settings(max_examples=25)
@given(st.lists(st.text(), max_size=5))
def test_any_phrases(texts: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            _, encoder = kept(Path(folder))
            found = encoder.encode_fixed(texts)
            assert found.tobytes() == (HashEncoder().encode(texts).tobytes() if texts else b"")
