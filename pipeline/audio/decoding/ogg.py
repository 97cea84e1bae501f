"""Whether an Ogg recording was cut off: the container does not say how long it should be (RFC 3533)."""

from __future__ import annotations

from pathlib import Path

from pipeline.encryption.here import open_file

_LARGEST_PAGE = 27 + 255 + 255 * 255
_HEADER = 27


def ends_within_page(path: Path) -> bool:
    """Whether the last page of an Ogg file is incomplete. Raises OSError."""
    with open_file(path) as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 2 * _LARGEST_PAGE))
        tail = file.read()
    offset = tail.rfind(b"OggS")
    while offset >= 0:
        page = tail[offset:]
        if len(page) < _HEADER or len(page) < _HEADER + page[26]:
            return True
        length = _HEADER + page[26] + sum(page[_HEADER : _HEADER + page[26]])
        if length == len(page):
            return False
        if length > len(page):
            return True
        # Bytes follow the page: the capture pattern was inside a packet, or something follows the stream.
        offset = tail.rfind(b"OggS", 0, offset)
    return False
