"""Headers drawn from what recorders and damage make of them: what is found in each is what was found."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from pipeline.audio.decoding import riff
from pipeline.audio.decoding.riff import check_riff
from tests.pinned import assert_pinned

HOUR = 16_000 * 3_600


def chunk(draw: random.Random, name: bytes, content: bytes, length: int | None = None) -> bytes:
    pad = b"\0" if len(content) & 1 and draw.random() < 0.7 else b""
    return name + struct.pack("<I", len(content) if length is None else length) + content + pad


def drawn_format(draw: random.Random) -> bytes:
    channels, align = draw.choice(((1, 2), (2, 4), (1, 1), (1, 0)))
    rate = draw.choice((8000, 8000, 8000, 999, 1000, 768_000, 768_001, 0, 44_100))
    byte_rate = draw.choice((rate * align, rate * align, 0, 999 * align, 1000 * align, 16_000, 0xFFFFFFFF))
    fmt = struct.pack("<HHIIHH", draw.choice((1, 1, 3, 6, 0x11, 0xFFFE)), channels, rate, byte_rate, align, 16)
    return fmt + draw.choice((b"", b"", b"\0\0", b"\0" * 5))


def drawn_file(draw: random.Random) -> tuple[str, bytes]:
    told: list[str] = []
    magic = draw.choice((b"RIFF", b"RIFF", b"RIFF", b"RF64", b"BW64"))
    fmt = drawn_format(draw)
    parts: list[bytes] = []
    names = ["fmt", "data"]
    names[1:1] = draw.choice(([], [], ["list"], ["odd"], ["ds64"], ["ds64", "list"]))
    names += draw.choice(([], [], ["list"], ["data"], ["data", "odd"], ["RIFF", "fmt", "data"], ["another", "data"]))
    if draw.random() < 0.1:
        names[:2] = reversed(names[:2])
    for name in names:
        sound = bytes([len(parts) + 1]) * draw.choice((0, 10, 801, 1600, 16_000))
        claimed = draw.choice((None, None, None, 0, 0xFFFFFFFF, 0x7FFFFFFF, len(sound) + 1, len(sound) + 40, 20 * HOUR))
        told.append(name if name not in {"data", "odd"} else f"{name} {len(sound)} as {claimed}")
        parts.append(
            {
                "fmt": lambda: chunk(draw, b"fmt ", fmt),
                "another": lambda: chunk(draw, b"fmt ", fmt[:-2] + b"\x08\x00"),
                "data": lambda: chunk(draw, b"data", sound, claimed),  # noqa: B023 - called at once
                "list": lambda: chunk(draw, b"LIST", b"abc"),
                "odd": lambda: chunk(draw, b"odd!", sound[:20]),  # noqa: B023
                "ds64": lambda: chunk(draw, b"ds64", struct.pack("<QQ", 700, draw.choice((40, 1600))) + b"\0" * 12),
                "RIFF": lambda: b"RIFF" + struct.pack("<I", 99) + b"WAVE",
            }[name]()
        )
    body = b"WAVE" + b"".join(parts)
    size = draw.choice((len(body), len(body), len(body) - 1, 0, 0xFFFFFFFF, len(body) + 39, 20 * HOUR + 60))
    before = draw.choice((b"", b"", b"", b"ID3" + b"\0" * 30, b"RIFFxxxxRIFF"))
    whole = before + magic + struct.pack("<I", size) + body
    cut = draw.choice((0, 0, 0, 1, 30, 790))
    return f"{len(before)} {magic.decode()} {size} {', '.join(told)} less {cut}", whole[: len(whole) - cut]


def lines_of_files(folder: Path) -> Iterable[str]:
    draw = random.Random(1)
    for _ in range(260):
        told, content = drawn_file(draw)
        path = folder / "a.wav"
        path.write_bytes(content)
        found = check_riff(path)
        if found is None:
            yield f"{told}: nothing"
            continue
        pieces = found.pieces and [part.hex() if isinstance(part, bytes) else part for part in found.pieces]
        yield (
            f"{told}: {found.format_tag} {found.channels} {found.sample_rate_hz} {found.bits_per_sample} "
            f"{found.duration_s} {' '.join(found.flags)} {pieces}"
        )


def lines_of_rates(folder: Path) -> Iterable[str]:
    del folder
    for claimed in (0, 999, 1000, 768_000, 768_001):
        for byte_rate in (0, 1999, 2000, 1_536_000, 1_536_002):
            yield f"{claimed} {byte_rate} {[riff._repair_rate(claimed, byte_rate, align) for align in (2, 0)]}"
    for there in (0, 100, 6_400_000, 6_400_001):
        for missing in (HOUR, HOUR + 1, 57_600_000 + 9):
            for riff_size in (0, 0xFFFFFFFF, 30 + there + missing, 34 + there + missing, 35 + there + missing):
                chunks = riff._Chunks(0, riff_size, data=[riff._Data(44, there + missing)])
                flags = sorted(riff._flags_of_missing(chunks, 44 + there, 16_000))
                yield f"{there} there, {missing} missing, {riff_size}: {flags} {riff._flags_of_missing(chunks, 44, 0)}"
    yield f"{riff._places(b'RIFFRIFFxRIFF', b'RIFF')} {riff._Data(10, 5).there(12)} {riff._Data(10, 5).there(3)}"


@pytest.mark.parametrize("lines", [lines_of_files, lines_of_rates], ids=lambda lines: str(lines.__name__))
def test_what_was_found(lines: Callable[[Path], Iterable[str]], tmp_path: Path) -> None:
    assert_pinned(f"{lines.__name__}.txt", "\n".join(lines(tmp_path)))
