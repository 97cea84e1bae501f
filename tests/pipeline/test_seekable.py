"""A file that is read here and there, against one in memory."""

from __future__ import annotations

import io

import pytest

from pipeline.seekable import SeekableReader

CONTENT = bytes(range(200))


class Sevens(SeekableReader):
    """Gives seven bytes at a time."""

    @property
    def size(self) -> int:
        return len(CONTENT)

    def read_at(self, place: int, length: int) -> bytes:
        assert length > 0
        return CONTENT[place : place + min(length, 7)]


@pytest.mark.parametrize(
    ("offset", "whence"),
    [(0, io.SEEK_SET), (5, io.SEEK_SET), (3, io.SEEK_CUR), (-3, io.SEEK_CUR), (-9, io.SEEK_END), (9, io.SEEK_END)],
)
def test_it_is_read_and_sought_as_any_file(offset: int, whence: int) -> None:
    ours, memory = Sevens(), io.BytesIO(CONTENT)
    for file in (ours, memory):
        assert file.readable()
        assert file.seekable()
        file.seek(50)
    assert ours.seek(offset, whence) == memory.seek(offset, whence) == ours.tell()
    assert ours.read(4) == memory.read(4)
    assert ours.tell() == memory.tell()
    assert ours.read(0) == b""
    assert ours.read() == memory.read(), "to the end"
    assert ours.read(1) == b""


def test_nothing_is_before_its_beginning() -> None:
    """OSError, as of a file on the disk: zipfile takes it for too short a file."""
    file = Sevens()
    with pytest.raises(OSError, match="before the beginning"):
        file.seek(-201, io.SEEK_END)
    assert file.tell() == 0
