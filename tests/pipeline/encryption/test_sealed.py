"""Encrypted files: what is read is what was written, or an error; never anything else."""

from __future__ import annotations

import io
import os
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.encryption.keys import FileDamaged, KeyMissing, KeyRing, LocalKey
from pipeline.encryption.sealed import (
    BLOCK_BYTES,
    HEADER_BYTES,
    MAGIC,
    TAG_BYTES,
    SealedReader,
    SealedWriter,
    is_sealed,
    rewrap,
)

SMALL = 64
WHOLE = SMALL + TAG_BYTES
RING = KeyRing(LocalKey(os.urandom(32)))


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def write(path: Path, *parts: bytes, ring: KeyRing = RING, block: int = SMALL) -> Path:
    with SealedWriter(path, ring, block) as file:
        for part in parts:
            file.write(part)
    return path


def opened(path: Path, ring: KeyRing = RING) -> SealedReader:
    return SealedReader(path.open("rb"), ring, path.name)


def content_of(path: Path, ring: KeyRing = RING) -> bytes:
    with opened(path, ring) as file:
        return file.readall()


@given(st.lists(st.binary(max_size=300), max_size=6), st.sampled_from([1, 7, SMALL, 4096]))
def test_what_is_read_is_what_was_written(parts: list[bytes], block: int) -> None:
    with folder() as here:
        path = write(here / "a", *parts, block=block)
        assert content_of(path) == b"".join(parts)
        with opened(path) as file:
            assert file.size == len(b"".join(parts))


@given(
    st.integers(0, 5 * SMALL),
    st.lists(
        st.tuples(
            st.sampled_from([io.SEEK_SET, io.SEEK_CUR, io.SEEK_END]), st.integers(-400, 400), st.integers(0, 200)
        ),
        max_size=12,
    ),
)
def test_it_is_sought_and_read_like_any_file(size: int, steps: list[tuple[int, int, int]]) -> None:
    plain = random.Random(size).randbytes(size)
    with folder() as here:
        path = write(here / "a", plain)
        with io.BufferedReader(opened(path), 32) as ours, io.BytesIO(plain) as theirs:
            for whence, offset, count in steps:
                place = {io.SEEK_SET: 0, io.SEEK_CUR: theirs.tell(), io.SEEK_END: size}[whence] + offset
                if place < 0:
                    continue
                assert ours.seek(place) == theirs.seek(place)
                assert ours.read(count) == theirs.read(count)


@given(st.integers(0, 4 * SMALL), st.data())
def test_a_changed_byte_is_an_error_and_never_other_content(size: int, data: st.DataObject) -> None:
    plain = random.Random(size).randbytes(size)
    with folder() as here:
        path = write(here / "a", plain)
        sealed = bytearray(path.read_bytes())
        place = data.draw(st.integers(0, len(sealed) - 1))
        sealed[place] ^= data.draw(st.integers(1, 255))
        path.write_bytes(sealed)
        try:
            assert content_of(path) == plain  # the empty slot, and the reserved end of the used one, hold nothing
            assert place < HEADER_BYTES
        except (FileDamaged, KeyMissing):
            pass


@given(st.integers(0, 4 * SMALL), st.data())
def test_a_file_that_was_cut_off_is_not_opened(size: int, data: st.DataObject) -> None:
    with folder() as here:
        path = write(here / "a", b"x" * size)
        length = data.draw(st.integers(len(MAGIC), path.stat().st_size - 1))
        os.truncate(path, length)
        with pytest.raises(FileDamaged):
            opened(path)


def test_what_is_said_of_a_file_depends_on_where_it_was_cut(tmp_path: Path) -> None:
    path = write(tmp_path / "a", bytes(2 * SMALL + 5))
    sealed = path.read_bytes()
    told: list[str] = []
    for length in range(len(sealed) - HEADER_BYTES):
        path.write_bytes(sealed[: HEADER_BYTES + length])
        with pytest.raises(FileDamaged) as error:
            opened(path)
        told.append(str(error.value))
    without_tag, changed = ["a: cut off"] * TAG_BYTES, "a: its block {} was changed, or is another file's"
    after_first, after_second = (["a: cut off after its block 0"], ["a: cut off after its block 1"])
    assert told == [
        *without_tag, *[changed.format(0)] * SMALL,
        *after_first, *without_tag[1:], *[changed.format(1)] * SMALL,
        *after_second, *without_tag[1:], *[changed.format(2)] * 5,
    ]  # fmt: skip


def swapped(sealed: bytearray) -> None:
    first, second = HEADER_BYTES, HEADER_BYTES + WHOLE
    sealed[first : first + WHOLE], sealed[second : second + WHOLE] = (
        sealed[second : second + WHOLE],
        sealed[first : first + WHOLE],
    )


def repeated(sealed: bytearray) -> None:
    sealed[HEADER_BYTES:HEADER_BYTES] = sealed[HEADER_BYTES : HEADER_BYTES + WHOLE]


def left_out(sealed: bytearray) -> None:
    del sealed[HEADER_BYTES : HEADER_BYTES + WHOLE]


def cut_at_a_block(sealed: bytearray) -> None:
    del sealed[HEADER_BYTES + 2 * WHOLE :]


def longer(sealed: bytearray) -> None:
    sealed += sealed[HEADER_BYTES : HEADER_BYTES + WHOLE]


def other_block_size(sealed: bytearray) -> None:
    sealed[8:12] = (2 * SMALL).to_bytes(4, "little")


@pytest.mark.parametrize("change", [swapped, repeated, left_out, cut_at_a_block, longer, other_block_size])
def test_blocks_that_were_moved_are_noticed(tmp_path: Path, change: Callable[[bytearray], None]) -> None:
    path = write(tmp_path / "a.wav", os.urandom(3 * SMALL + 5))
    sealed = bytearray(path.read_bytes())
    change(sealed)
    path.write_bytes(sealed)
    with pytest.raises(FileDamaged, match=r"a\.wav"):
        content_of(path)


def test_a_block_of_another_file_is_noticed(tmp_path: Path) -> None:
    one, other = (write(tmp_path / name, b"same" * SMALL) for name in "ab")
    sealed = bytearray(one.read_bytes())
    sealed[HEADER_BYTES : HEADER_BYTES + WHOLE] = other.read_bytes()[HEADER_BYTES : HEADER_BYTES + WHOLE]
    one.write_bytes(sealed)
    with pytest.raises(FileDamaged, match="its block 0 was changed, or is another file's"):
        content_of(one)


def test_blocks_before_a_damaged_one_are_read_and_it_is_named(tmp_path: Path) -> None:
    plain = os.urandom(4 * SMALL)
    path = write(tmp_path / "a", plain)
    sealed = bytearray(path.read_bytes())
    sealed[HEADER_BYTES + 2 * WHOLE] ^= 1
    path.write_bytes(sealed)
    with opened(path) as file:
        assert file.read(SMALL) == plain[:SMALL]
        file.seek(2 * SMALL + 5)
        with pytest.raises(FileDamaged, match="block 2"):
            file.read(1)


def test_a_file_whose_writer_died_or_failed_has_no_end(tmp_path: Path) -> None:
    def fail() -> None:
        with SealedWriter(tmp_path / "a", RING, SMALL) as file:
            file.write(b"x" * 200)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with pytest.raises(FileDamaged, match="cut off"):
        opened(tmp_path / "a")


def test_nothing_of_the_content_can_be_seen_and_two_copies_differ(tmp_path: Path) -> None:
    plain = b"my card number is" * 4000
    one, other = (write(tmp_path / name, plain, block=BLOCK_BYTES).read_bytes() for name in "ab")
    assert b"card number" not in one
    assert one[HEADER_BYTES : HEADER_BYTES + 64] != other[HEADER_BYTES : HEADER_BYTES + 64]
    assert is_sealed(tmp_path / "a")


def test_a_key_that_is_not_named_is_an_error_that_says_which(tmp_path: Path, ring: KeyRing) -> None:
    path = write(tmp_path / "a", b"secret", ring=ring)
    with pytest.raises(KeyMissing, match=rf"under the key {ring.key_id}.*encryption.old_keys"):
        opened(path, RING)


def test_keys_are_changed_without_encrypting_anew(tmp_path: Path) -> None:
    old, new = LocalKey(os.urandom(32)), LocalKey(os.urandom(32))
    path = write(tmp_path / "a", b"hello" * 100, ring=KeyRing(old))
    before = path.read_bytes()
    both = KeyRing(new, [old])
    assert rewrap(path, both)
    assert not rewrap(path, both)
    after = path.read_bytes()
    assert after[HEADER_BYTES:] == before[HEADER_BYTES:]
    assert content_of(path, KeyRing(new)) == b"hello" * 100
    assert old.key_id.encode() not in after
    with pytest.raises(KeyMissing):
        opened(path, KeyRing(old))


def test_a_change_of_keys_that_was_killed_in_between_leaves_a_file_that_both_read(tmp_path: Path) -> None:
    """The new slot is written, the old one still there: as after a kill between the two writes."""
    old, new = LocalKey(os.urandom(32)), LocalKey(os.urandom(32))
    path = write(tmp_path / "a", b"hello", ring=KeyRing(old))
    before = path.read_bytes()
    both = KeyRing(new, [old])
    rewrap(path, both)
    slots = bytearray(path.read_bytes())
    slots[32 : 32 + 1008] = before[32 : 32 + 1008]
    path.write_bytes(slots)
    assert content_of(path, both) == b"hello"
    assert rewrap(path, both)
    assert content_of(path, KeyRing(new)) == b"hello"
    torn = bytearray(before)
    torn[32 + 1008 : 32 + 1108] = path.read_bytes()[32 + 1008 : 32 + 1108]
    path.write_bytes(torn)
    assert content_of(path, KeyRing(old)) == b"hello"
