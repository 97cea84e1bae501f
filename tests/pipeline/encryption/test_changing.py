"""Encrypted files that still change: what is read is what was written last, whoever reads meanwhile."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.encryption.changing import (
    BLOCK_BYTES,
    ChangingAppender,
    ChangingFile,
    ChangingReader,
    is_changing,
)
from pipeline.encryption.keys import FileDamaged, KeyMissing, KeyRing, LocalKey
from pipeline.encryption.sealed import HEADER_BYTES, TAG_BYTES

RING = KeyRing(LocalKey(os.urandom(32)))
ON_DISK = BLOCK_BYTES + 12 + TAG_BYTES
"""Of a whole block, with its nonce and its tag."""
PLACES = st.integers(0, 2 * BLOCK_BYTES + 10)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(PLACES, st.integers(0, BLOCK_BYTES + 10) | st.none()), max_size=6), PLACES, PLACES)
def test_it_holds_what_a_plain_file_would(steps: list[tuple[int, int | None]], offset: int, length: int) -> None:
    """Each step writes so many bytes at a place, or cuts off behind it."""
    plain = bytearray()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a")
        file = ChangingFile.create(path, RING)
        for number, (place, count) in enumerate(steps, start=1):
            if count is None:
                place = min(place, len(plain))  # noqa: PLW2901 - it only ever becomes shorter
                file.truncate(place)
                del plain[place:]
            else:
                content = bytes([number]) * count
                file.write(place, content)
                if place > len(plain):
                    plain.extend(bytes(place - len(plain)))
                plain[place : place + count] = content
            assert file.size == len(plain)
        reading = ChangingFile.open(path, RING)
        assert reading.read(offset, length) == bytes(plain[offset : offset + length])
        assert reading.read(0, len(plain) + 1) == bytes(plain)
        with ChangingReader(reading) as reader:
            assert (reader.size, reader.read()) == (len(plain), bytes(plain))
        file.close()
        file.close()


def made(path: Path, content: bytes) -> Path:
    file = ChangingFile.create(path, RING)
    file.write(0, content)
    file.flush()
    file.close()
    return path


CONTENT = os.urandom(2 * BLOCK_BYTES + 100)


@pytest.mark.parametrize(
    ("kept", "size"),
    [
        (HEADER_BYTES + 2 * ON_DISK + 100 + 28, 2 * BLOCK_BYTES + 100),
        (HEADER_BYTES + 2 * ON_DISK + 60, 2 * BLOCK_BYTES),
        (HEADER_BYTES + 2 * ON_DISK + 5, 2 * BLOCK_BYTES),
        (HEADER_BYTES + 2 * ON_DISK, 2 * BLOCK_BYTES),
        (HEADER_BYTES + 2 * ON_DISK - 1, BLOCK_BYTES),
        (HEADER_BYTES + 3, 0),
        (HEADER_BYTES, 0),
    ],
)
def test_what_a_killed_writer_left_in_part_is_cut_off(tmp_path: Path, kept: int, size: int) -> None:
    path = made(tmp_path / "a", CONTENT)
    os.truncate(path, kept)
    file = ChangingFile.open(path, RING, writable=True)
    file.cut_off_what_was_not_written_whole()
    assert file.size == size
    assert file.read(0, len(CONTENT)) == CONTENT[:size]
    file.write(size, b"goes on")
    assert file.read(size, 100) == b"goes on"
    file.close()


def test_a_changed_or_moved_block_is_noticed(tmp_path: Path) -> None:
    path = made(tmp_path / "a", CONTENT)
    whole = path.read_bytes()
    first, second = whole[HEADER_BYTES:][:ON_DISK], whole[HEADER_BYTES:][ON_DISK : 2 * ON_DISK]
    for content in (
        whole[:HEADER_BYTES] + second + first + whole[HEADER_BYTES + 2 * ON_DISK :],
        whole[: HEADER_BYTES + 50] + bytes([whole[HEADER_BYTES + 50] ^ 1]) + whole[HEADER_BYTES + 51 :],
    ):
        path.write_bytes(content)
        file = ChangingFile.open(path, RING)
        with pytest.raises(FileDamaged, match="a: its block 0 was changed"):
            file.read(0, 10)
        assert file.read(2 * BLOCK_BYTES, 100) == CONTENT[2 * BLOCK_BYTES :], "others are still read"
        file.close()
    with pytest.raises(KeyMissing):
        ChangingFile.open(path, KeyRing(LocalKey(os.urandom(32))))


def test_the_same_content_is_never_encrypted_alike(tmp_path: Path) -> None:
    file = ChangingFile.create(tmp_path / "a", RING)
    states = set()
    for _ in range(3):
        file.write(0, b"the same words")
        states.add((tmp_path / "a").read_bytes()[HEADER_BYTES:])
    file.close()
    assert len(states) == 3
    assert not any(b"words" in state for state in states)


def test_it_grows_at_its_end_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with ChangingAppender(ChangingFile.create(path, RING)) as file:
        assert file.writable()
        assert (file.write(b"one "), file.write(memoryview(b"two"))) == (4, 3)
    assert path.stat().st_mode & 0o777 == 0o600
    assert is_changing(path)
    with ChangingReader(ChangingFile.open(path, RING)) as reader:
        assert reader.read() == b"one two"
    (tmp_path / "b").write_bytes(b"plain")
    assert not is_changing(tmp_path / "b")
    with pytest.raises(FileExistsError):
        ChangingFile.create(path, RING)
