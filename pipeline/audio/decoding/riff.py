"""What a RIFF/WAVE header claims, compared with the file it stands in. A leaf: the standard library only.

FFmpeg clamps forged sizes to the file without a word, refuses a rate of 0, and gives up on a tag before the header, an
odd chunk without its pad byte, a second `data` chunk and a second file behind the first, so the chunks are read here.
Layout: Microsoft, "Multimedia Programming Interface and Data Specifications 1.0" (1991); RF64 and BW64: EBU Tech 3306.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import partial
from itertools import islice, takewhile
from pathlib import Path
from typing import BinaryIO

from pipeline.audio.decoding.pieces import Pieces
from pipeline.encryption.here import open_file

FORMAT_PCM = 0x0001
FORMAT_FLOAT = 0x0003
FORMAT_ALAW = 0x0006
FORMAT_MULAW = 0x0007
FORMAT_EXTENSIBLE = 0xFFFE

LINEAR_FORMATS = frozenset({FORMAT_PCM, FORMAT_FLOAT, FORMAT_ALAW, FORMAT_MULAW, FORMAT_EXTENSIBLE})
"""Formats in which a frame is `block_align` bytes, so that bytes are seconds."""

PLAUSIBLE_RATES_HZ = (1_000, 768_000)
ASSUMED_RATE_HZ = 8_000
"""Telephony's rate (ITU-T G.711), used when neither the header's rate nor its byte rate is usable."""

_UNKNOWN_SIZES = frozenset({0xFFFFFFFF, 0x7FFFFFFF})
"""Sizes that writers to a pipe put in while they do not know the real one."""
_UNPATCHED = 0
_MAX_CHUNKS = 1_000
_ABSURD_S = 3_600.0
"""A header is not believed when it claims over an hour more than the file has, and over ten times as much."""
_NAMES = frozenset(
    b"fmt |data|fact|LIST|bext|JUNK|junk|PAD |cue |smpl|inst|iXML|ID3 |id3 |PEAK|ds64|aXML|levl|plst|labl|note|wavl|"
    b"slnt|DISP|afsp|umid|chna|cart|_PMX|SAUR|VRNT|meta|RIFF".split(b"|")
)
"""Chunks that writers of recordings use: by these names the end of a chunk is told from sound."""
_RIFF = (b"RIFF", b"RF64", b"BW64")
_HEAD_SEARCHED = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class RiffReport:
    """A RIFF/WAVE header after the check."""

    format_tag: int
    channels: int
    sample_rate_hz: int
    """The claimed rate, or a repaired one when that is impossible."""
    bits_per_sample: int
    duration_s: float | None
    """Duration of the sound that is there; None for compressed formats."""
    pieces: Pieces | None
    """What a decoder must read instead of the file: a plain header and the sound. None: the file itself."""
    flags: tuple[str, ...]
    """Sorted, of `bad_header`, `truncated`."""


@dataclass(frozen=True, slots=True)
class _Data:
    """One `data` chunk, in bytes."""

    offset: int
    size: int
    """As claimed."""

    def there(self, file_size: int) -> int:
        return max(0, min(self.size, file_size - self.offset))


@dataclass(slots=True)
class _Chunks:
    start: int
    """Where RIFF begins."""
    riff_size: int
    fmt: bytes = b""
    data: list[_Data] = field(default_factory=list)
    plain: bool = True
    """Whether FFmpeg reads it as it stands."""
    another: bool = False
    """Whether sound of another format follows, which is not read."""


def check_riff(path: Path) -> RiffReport | None:
    """Read the chunk headers of `path` (a few hundred bytes) and compare them with the file.

    Returns None when the file is not RIFF/WAVE, or has no `fmt ` or no `data` chunk: then there is nothing
    to compare, and the decoder decides. Raises OSError when the file cannot be read.
    """
    with open_file(path) as file:
        size = file.seek(0, 2)
        chunks = _read_chunks(file, size)
    if chunks is None or len(chunks.fmt) < 16 or not chunks.data:
        return None
    return _report(chunks, size)


def _start_of_riff(file: BinaryIO) -> int | None:
    """Where the header begins: tags and other formats' headers may precede it."""
    file.seek(0)
    head = file.read(12)
    if head[:4] not in _RIFF:
        head += file.read(_HEAD_SEARCHED)
    places = [offset for magic in _RIFF for offset in _places(head, magic)]
    return min((offset for offset in places if head[offset + 8 : offset + 12] == b"WAVE"), default=None)


def _places(head: bytes, magic: bytes) -> list[int]:
    found, offset = [], head.find(magic)
    while offset >= 0:
        found.append(offset)
        offset = head.find(magic, offset + 1)
    return found


def _read_chunks(file: BinaryIO, file_size: int) -> _Chunks | None:
    start = _start_of_riff(file)
    if start is None:
        return None
    file.seek(start)
    header = file.read(12)
    found = _Chunks(start, struct.unpack("<I", header[4:8])[0], plain=start == 0)
    wide_size: int | None = None
    heads = takewhile(lambda head: len(head) == 8, iter(partial(file.read, 8), b""))
    for head in islice(heads, _MAX_CHUNKS):
        name, length = head[:4], struct.unpack("<I", head[4:])[0]
        begin = file.tell()
        if name == b"data":
            length = wide_size if header[:4] != b"RIFF" and wide_size is not None else length
            found.plain &= not found.data and bool(found.fmt)
            found.data.append(_Data(begin, length))
        elif name == b"ds64" and length >= 16:
            found.riff_size, wide_size = struct.unpack("<QQ", file.read(16).ljust(16, b"\0"))
        elif name == b"fmt ":
            fmt = file.read(min(length, 4096))
            found.another = bool(found.fmt) and fmt != found.fmt
            if found.another:
                break
            found.fmt = fmt
        elif name == b"RIFF":  # a recorder that went on after a pause wrote a whole file behind the first
            length = len(b"WAVE")
        following = _following(file, begin + length, length & 1, found)
        if following is None or following >= file_size:
            break
        file.seek(following)
    return found


def _following(file: BinaryIO, end: int, pad: int, found: _Chunks) -> int | None:
    """Where the next chunk begins; None when no chunk follows. An odd chunk may lack its pad byte."""
    for begin in (end + pad, end):
        file.seek(begin)
        if file.read(4) in _NAMES:
            found.plain &= begin == end + pad or bool(found.data)
            return begin
    return None if found.data else end + pad


def _report(chunks: _Chunks, file_size: int) -> RiffReport:
    tag, channels, claimed_rate, byte_rate, block_align, bits = struct.unpack("<HHIIHH", chunks.fmt[:16])
    flags: set[str] = set()
    rate = _repair_rate(claimed_rate, byte_rate, block_align)
    if rate != claimed_rate:
        flags.add("bad_header")
    if chunks.another:
        flags.add("truncated")
    data, last = chunks.data, chunks.data[-1]
    rest = max(0, file_size - last.offset)
    linear = tag in LINEAR_FORMATS and block_align > 0
    if last.size in _UNKNOWN_SIZES or (last.size == _UNPATCHED and rest > 0 and len(data) == 1):
        flags.add("bad_header")
        data = [*data[:-1], _Data(last.offset, rest)]
    elif last.size > rest:
        flags |= _flags_of_missing(chunks, file_size, rate * block_align if linear else byte_rate)
    there = sum(chunk.there(file_size) for chunk in data)
    plain = chunks.plain and rate == claimed_rate
    return RiffReport(
        format_tag=tag,
        channels=channels,
        sample_rate_hz=rate,
        bits_per_sample=bits,
        duration_s=there // block_align / rate if linear else None,
        pieces=None if plain else _rewritten(chunks.fmt, rate, block_align, data, file_size),
        flags=tuple(sorted(flags)),
    )


def _rewritten(fmt: bytes, rate: int, block_align: int, data: list[_Data], file_size: int) -> Pieces:
    byte_rate = struct.unpack("<I", fmt[8:12])[0]
    if rate != struct.unpack("<I", fmt[4:8])[0]:
        byte_rate = min(rate * max(block_align, 1), 0xFFFFFFFF)
    fmt = fmt[:4] + struct.pack("<II", rate, byte_rate) + fmt[12:]
    fmt += b"\0" * (len(fmt) & 1)
    sound = sum(chunk.there(file_size) for chunk in data)
    sizes = [struct.pack("<I", min(size, 0xFFFFFFFF)) for size in (20 + len(fmt) + sound, len(fmt), sound)]
    header = b"RIFF" + sizes[0] + b"WAVEfmt " + sizes[1] + fmt + b"data" + sizes[2]
    return (header, *((chunk.offset, chunk.there(file_size)) for chunk in data))


def _repair_rate(claimed: int, byte_rate: int, block_align: int) -> int:
    low, high = PLAUSIBLE_RATES_HZ
    if low <= claimed <= high:
        return claimed
    from_bytes = byte_rate // block_align if block_align else 0
    return from_bytes if low <= from_bytes <= high else ASSUMED_RATE_HZ


def _flags_of_missing(chunks: _Chunks, file_size: int, bytes_per_s: int) -> set[str]:
    """A file cut short keeps two sizes that agree with each other; a forged size usually contradicts the other one."""
    last = chunks.data[-1]
    there = max(0, file_size - last.offset)
    missing = last.size - there
    riff_end = chunks.start + chunks.riff_size + 8
    if chunks.riff_size in (_UNPATCHED, *_UNKNOWN_SIZES) or riff_end + 1 < last.offset + last.size:
        return {"bad_header"}
    if bytes_per_s and missing / bytes_per_s > _ABSURD_S and missing > 9 * there:
        return {"bad_header", "truncated"}
    return {"truncated"}
