"""Whether a whole file stands behind the first one, as `cat` leaves it. FFmpeg reads the first and says nothing.

W64 (Sony, "Wave64 file format", 2003): GUIDs of 16 bytes, sizes of 8, little-endian, header included, ends at
multiples of 8. CAF (Apple, "Core Audio Format Specification 1.0"): types of 4 bytes, sizes of 8, big-endian.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from pipeline.encryption.here import open_file

_WAVE64 = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_CORE_AUDIO = b"caff"
_MAX_CHUNKS = 1_000


def another_follows(path: Path) -> bool:
    """Whether a second W64 or CAF file begins where the first ends. Raises OSError."""
    with open_file(path) as file:
        head = file.read(24)
        if head[:16] == _WAVE64 and len(head) == 24:
            file.seek(_next_multiple_of_8(struct.unpack("<Q", head[16:])[0]))
            return file.read(16) == _WAVE64
        return head[:4] == _CORE_AUDIO and _core_audio_follows(file)


def _next_multiple_of_8(size: int) -> int:
    return min(-(-size // 8) * 8, 1 << 62)


def _core_audio_follows(file: BinaryIO) -> bool:
    end = file.seek(0, 2)
    offset = 8
    for _ in range(_MAX_CHUNKS):
        file.seek(offset)
        head = file.read(12)
        if head[:4] == _CORE_AUDIO:
            return True
        size = struct.unpack(">q", head[4:])[0] if len(head) == 12 else -1
        if size < 0:  # the sound runs to the end of the file
            return False
        offset += 12 + size
        if offset >= end:
            return False
    return False
