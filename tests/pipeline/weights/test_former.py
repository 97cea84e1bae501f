"""Names that earlier versions stored: one that changed would repeat the work of every call at an upgrade."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.weights.former import language_model_version, recogniser_revision, sentiment_revision

LARGE = 400 * 1024
"""Over the 384 KiB that are read whole."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_bytes(b"{}")
    (tmp_path / "model.safetensors").write_bytes(bytes(range(256)) * (LARGE // 256))
    (tmp_path / "README.md").write_bytes(b"read me")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/spiece.model").write_bytes(b"pieces")
    return tmp_path


def config_and_weights(folder: Path) -> str:
    return recogniser_revision(folder, ("*.json", "*.safetensors"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (recogniser_revision, "local-68d41b7b45f55f14837e896ef9144026980b7be6"),
        (config_and_weights, "local-e15f0117a546bdaca6a624a8da0121d6485baaaa"),
        (language_model_version, "local-13ea24dd6d56"),
        (sentiment_revision, "ee5c3900057bbac132498324eb9cae4bb4739184d1394bee67d69bbfb751eba3"),
    ],
)
def test_the_names_stay_what_they_were(folder: Path, name: Callable[[Path], str], expected: str) -> None:
    assert name(folder) == expected


@pytest.mark.parametrize(
    ("name", "path", "place", "told"),
    [
        (recogniser_revision, "model.safetensors", 0, True),
        (recogniser_revision, "model.safetensors", LARGE - 1, True),
        (recogniser_revision, "model.safetensors", 65_536 + 127, False),
        (recogniser_revision, "model.safetensors", 65_536 + 128, True),
        (recogniser_revision, "README.md", 0, True),
        (recogniser_revision, "inner/spiece.model", 0, False),
        (config_and_weights, "README.md", 0, False),
        (language_model_version, "model.safetensors", 65_535, True),
        (language_model_version, "model.safetensors", 65_536, False),
        (language_model_version, "config.json", 0, True),
        (language_model_version, "README.md", 0, False),
        (language_model_version, "inner/spiece.model", 0, False),
        (sentiment_revision, "inner/spiece.model", 0, True),
        (sentiment_revision, "README.md", 0, True),
    ],
)
def test_what_a_name_depends_on(folder: Path, name: Callable[[Path], str], path: str, place: int, told: bool) -> None:
    before = name(folder)
    content = bytearray((folder / path).read_bytes())
    content[place] ^= 1
    (folder / path).write_bytes(content)
    assert (name(folder) != before) == told
