"""What a RIFF/WAVE header claims, compared with the file it stands in. A leaf: the standard library only.

FFmpeg clamps forged sizes to the file without a word and refuses a rate of 0, so the claims are read here.
Layout: Microsoft, "Multimedia Programming Interface and Data Specifications 1.0" (1991); RF64 and BW64: EBU Tech 3306.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

FORMAT_PCM = 0x0001
FORMAT_FLOAT = 0x0003
FORMAT_ALAW = 0x0006
FORMAT_MULAW = 0x0007
FORMAT_EXTENSIBLE = 0xFFFE

LINEAR_FORMATS = frozenset({FORMAT_PCM, FORMAT_FLOAT, FORMAT_ALAW, FORMAT_MULAW, FORMAT_EXTENSIBLE})
"""Formats in which a frame is `block_align` bytes, so that bytes are seconds."""

PLAUSIBLE_RATES_HZ = (1_000, 768_000)
ASSUMED_RATE_HZ = 8_000
"""Telephony's rate (ITU-T G.711), used when the header gives no usable one and its byte rate does not either."""

_UNKNOWN_SIZES = frozenset({0xFFFFFFFF, 0x7FFFFFFF})
"""What writers to a pipe put where the size is not known yet."""
_UNPATCHED = 0
_MAX_CHUNKS = 1_000
_ABSURD_S = 3_600.0
"""A header that claims over an hour more than is there, and over ten times what is there, is taken for a lie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiffReport:
    """A RIFF/WAVE header after the check. Sizes in bytes."""

    format_tag: int
    channels: int
    claimed_rate_hz: int
    sample_rate_hz: int
    """The claimed rate, or a repaired one when that is impossible."""
    block_align: int
    bits_per_sample: int
    data_offset: int
    """Where the samples begin."""
    claimed_data_bytes: int
    data_bytes: int
    """What is there."""
    claimed_duration_s: float | None
    """None for compressed formats."""
    duration_s: float | None
    fmt_offset: int
    """Where the `fmt ` chunk's contents begin."""
    flags: tuple[str, ...]
    """Sorted, of `bad_header`, `truncated`."""
    problems: tuple[str, ...]
    """Each flag's cause in words."""

    @property
    def repaired_header(self) -> dict[int, bytes]:
        """Bytes by offset that a decoder must read instead of those in the file; empty when the header is usable."""
        if self.sample_rate_hz == self.claimed_rate_hz:
            return {}
        byte_rate = min(self.sample_rate_hz * max(self.block_align, 1), 0xFFFFFFFF)
        return {self.fmt_offset + 4: struct.pack("<II", self.sample_rate_hz, byte_rate)}


@dataclass(slots=True)
class _Chunks:
    riff_size: int = 0
    fmt: bytes = b""
    fmt_offset: int = 0
    data_offset: int | None = None
    data_size: int = 0
    wide: bool = False
    """RF64/BW64: sizes come from the `ds64` chunk."""


def check_riff(path: Path) -> RiffReport | None:
    """Read the chunk headers of `path` (a few hundred bytes) and compare them with the file.

    Returns None when the file is not RIFF/WAVE, or has no `fmt ` or no `data` chunk: then there is nothing
    to compare, and the decoder decides. Raises OSError when the file cannot be read.
    """
    with path.open("rb") as file:
        file.seek(0, 2)
        size = file.tell()
        file.seek(0)
        chunks = _read_chunks(file, size)
    if chunks is None or len(chunks.fmt) < 16 or chunks.data_offset is None:
        return None
    return _report(chunks, size)


def _read_chunks(file: BinaryIO, file_size: int) -> _Chunks | None:
    header = file.read(12)
    if len(header) < 12 or header[:4] not in (b"RIFF", b"RF64", b"BW64") or header[8:12] != b"WAVE":
        return None
    found = _Chunks(riff_size=struct.unpack("<I", header[4:8])[0], wide=header[:4] != b"RIFF")
    wide_data_size: int | None = None
    for _ in range(_MAX_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            break
        name, length = head[:4], struct.unpack("<I", head[4:])[0]
        start = file.tell()
        if name == b"data":
            found.data_offset = start
            found.data_size = wide_data_size if found.wide and wide_data_size is not None else length
            break
        if name == b"ds64" and length >= 16:
            found.riff_size, wide_data_size = struct.unpack("<QQ", file.read(16).ljust(16, b"\0"))
        elif name == b"fmt ":
            found.fmt, found.fmt_offset = file.read(min(length, 64)), start
        following = start + length + (length & 1)
        if following >= file_size:
            break
        file.seek(following)
    return found


def _report(chunks: _Chunks, file_size: int) -> RiffReport:
    tag, channels, claimed_rate, byte_rate, block_align, bits = struct.unpack("<HHIIHH", chunks.fmt[:16])
    assert chunks.data_offset is not None
    there = max(0, file_size - chunks.data_offset)
    flags: set[str] = set()
    problems: list[str] = []

    rate = _repair_rate(claimed_rate, byte_rate, block_align)
    if rate != claimed_rate:
        flags.add("bad_header")
        problems.append(f"the header claims {claimed_rate} Hz; taken as {rate} Hz")

    linear = tag in LINEAR_FORMATS and block_align > 0
    unknown = chunks.data_size in _UNKNOWN_SIZES or (chunks.data_size == _UNPATCHED and there > 0)
    data_bytes = there if unknown else min(chunks.data_size, there)
    bytes_per_s = rate * block_align if linear else byte_rate
    missing = 0 if unknown else chunks.data_size - there
    if unknown:
        flags.add("bad_header")
        problems.append(f"the header gives no size; {there} bytes of sound are there")
    elif missing > 0:
        found = _flags_of_missing(chunks, file_size, missing, bytes_per_s)
        flags |= found
        problems.append(f"the header claims {chunks.data_size} bytes of sound; {there} are there")
    return RiffReport(
        format_tag=tag,
        channels=channels,
        claimed_rate_hz=claimed_rate,
        sample_rate_hz=rate,
        block_align=block_align,
        bits_per_sample=bits,
        data_offset=chunks.data_offset,
        claimed_data_bytes=chunks.data_size,
        data_bytes=data_bytes,
        claimed_duration_s=chunks.data_size / bytes_per_s if linear and not unknown else None,
        duration_s=data_bytes // block_align / rate if linear else None,
        fmt_offset=chunks.fmt_offset,
        flags=tuple(sorted(flags)),
        problems=tuple(problems),
    )


def _repair_rate(claimed: int, byte_rate: int, block_align: int) -> int:
    low, high = PLAUSIBLE_RATES_HZ
    if low <= claimed <= high:
        return claimed
    from_bytes = byte_rate // block_align if block_align else 0
    return from_bytes if low <= from_bytes <= high else ASSUMED_RATE_HZ


def _flags_of_missing(chunks: _Chunks, file_size: int, missing: int, bytes_per_s: int) -> set[str]:
    """A file cut short keeps two sizes that agree with each other; a forged size usually contradicts the other one."""
    assert chunks.data_offset is not None
    claimed_end = chunks.data_offset + chunks.data_size
    riff_end = chunks.riff_size + 8
    if chunks.riff_size in (_UNPATCHED, *_UNKNOWN_SIZES) or riff_end + 1 < claimed_end:
        return {"bad_header"}
    there = file_size - chunks.data_offset
    if bytes_per_s and missing / bytes_per_s > _ABSURD_S and missing > 9 * there:
        return {"bad_header", "truncated"}
    return {"truncated"}
