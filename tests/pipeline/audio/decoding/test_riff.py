"""RIFF headers that lie, against the file they stand in."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audio.decoding.pieces import PiecedFile
from pipeline.audio.decoding.riff import check_riff


def wav(
    samples: int = 8000,
    *,
    rate: int = 8000,
    byte_rate: int | None = None,
    channels: int = 1,
    riff_size: int | None = None,
    data_size: int | None = None,
    tag: int = 1,
    extra: bytes = b"",
) -> bytes:
    data = b"\x01\x02" * samples * channels
    align = 2 * channels
    fmt = struct.pack("<HHIIHH", tag, channels, rate, rate * align if byte_rate is None else byte_rate, align, 16)
    body = b"WAVE" + b"fmt " + struct.pack("<I", 16) + fmt + extra
    body += b"data" + struct.pack("<I", len(data) if data_size is None else data_size) + data
    return b"RIFF" + struct.pack("<I", len(body) if riff_size is None else riff_size) + body


HOURS = 8000 * 2 * 3600 * 5


@pytest.mark.parametrize(
    ("content", "flags", "rate", "duration"),
    [
        (wav(), (), 8000, 1.0),
        (wav(channels=2), (), 8000, 1.0),
        (wav(extra=b"LIST" + struct.pack("<I", 3) + b"abc\0"), (), 8000, 1.0),
        (wav()[:8044], ("truncated",), 8000, 0.5),
        (wav(data_size=HOURS), ("bad_header",), 8000, 1.0),
        (wav(data_size=HOURS, riff_size=HOURS + 36), ("bad_header", "truncated"), 8000, 1.0),
        (wav(data_size=0xFFFFFFFF, riff_size=0xFFFFFFFF), ("bad_header",), 8000, 1.0),
        (wav(data_size=0, riff_size=0), ("bad_header",), 8000, 1.0),
        (wav(rate=0), ("bad_header",), 8000, 1.0),
        (wav(16000, rate=0, byte_rate=32000), ("bad_header",), 16000, 1.0),
        (wav(rate=0xFFFFFFFF, byte_rate=0), ("bad_header",), 8000, 1.0),
    ],
)
def test_claims_are_compared_with_the_file(
    tmp_path: Path, content: bytes, flags: tuple[str, ...], rate: int, duration: float
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    report = check_riff(path)
    assert report is not None
    assert report.flags == flags
    assert report.sample_rate_hz == rate
    assert report.duration_s == pytest.approx(duration)
    assert (report.pieces is not None) == (report.sample_rate_hz != struct.unpack("<I", content[24:28])[0])


def read(path: Path) -> bytes:
    report = check_riff(path)
    assert report is not None
    if report.pieces is None:
        return path.read_bytes()
    with PiecedFile(path.open("rb"), report.pieces) as file:
        return file.read()


def test_a_repaired_rate_is_offered_to_the_decoder(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav(rate=0))
    assert read(path) == wav(rate=8000)


chunks = st.sampled_from([b"LIST", b"JUNK", b"bext", b"id3 "])
odd_chunks = st.tuples(chunks, st.binary(max_size=9).map(lambda content: content.replace(b"d", b"x")), st.booleans())


@given(
    st.lists(odd_chunks, max_size=3),
    st.lists(st.binary(min_size=2, max_size=40).filter(lambda data: len(data) % 2 == 0), min_size=1, max_size=4),
    st.sampled_from([b"", b"ID3\3\0\0\0\0\1\0" + bytes(128), b"vendor header " * 20]),
)
def test_all_sound_is_found_behind_tags_odd_chunks_and_in_several_pieces(
    tmp_path_factory: pytest.TempPathFactory,
    extras: list[tuple[bytes, bytes, bool]],
    sounds: list[bytes],
    before: bytes,
) -> None:
    head, rest = wav(0)[12:36], b""
    for name, content, padded in extras:
        pad = b"\0" if padded and len(content) % 2 else b""
        rest += name + struct.pack("<I", len(content)) + content + pad
    for sound in sounds:
        rest += b"data" + struct.pack("<I", len(sound)) + sound + b"LIST" + struct.pack("<I", 4) + b"abcd"
    path = tmp_path_factory.getbasetemp() / "pieces.wav"
    path.write_bytes(before + b"RIFF" + struct.pack("<I", 4 + len(head) + len(rest)) + b"WAVE" + head + rest)
    report = check_riff(path)
    assert report is not None
    whole = b"".join(sounds)
    assert report.duration_s == len(whole) / 16000
    assert report.flags == ()
    if before or len(sounds) > 1:
        assert (
            read(path)
            == b"RIFF"
            + struct.pack("<I", 36 + len(whole))
            + b"WAVE"
            + head
            + b"data"
            + struct.pack("<I", len(whole))
            + whole
        )


def test_a_file_behind_a_file_goes_on_with_it(tmp_path: Path) -> None:
    """A recorder that went on after a pause wrote a second header; what followed was lost without a word."""
    path = tmp_path / "a.wav"
    path.write_bytes(wav(8000) + wav(4000))
    report = check_riff(path)
    assert report is not None
    assert (report.duration_s, report.flags) == (1.5, ())
    assert read(path)[44:] == wav(12_000)[44:]
    path.write_bytes(wav(8000) + wav(4000, rate=16_000))
    report = check_riff(path)
    assert report is not None
    assert (report.duration_s, report.flags) == (1.0, ("truncated",))


@given(
    st.lists(st.one_of(st.binary(max_size=5), st.tuples(st.integers(0, 20), st.integers(0, 9))), max_size=5), st.data()
)
def test_a_file_in_pieces_reads_like_the_pieces_joined(
    pieces: list[bytes | tuple[int, int]], data: st.DataObject
) -> None:
    content = bytes(range(32))
    whole = b"".join(p if isinstance(p, bytes) else content[p[0] : p[0] + p[1]] for p in pieces)
    file = PiecedFile(io.BytesIO(content), tuple(pieces))
    plain = io.BytesIO(whole)
    for _ in range(5):
        if data.draw(st.booleans()):
            whence = data.draw(st.sampled_from([0, 2]))
            offset = data.draw(st.integers(0, len(whole))) - (len(whole) if whence == 2 else 0)
            assert file.seek(offset, whence) == plain.seek(offset, whence)
        size = data.draw(st.integers(-1, 12))
        assert file.read(size) == plain.read(size)
        assert file.tell() == plain.tell()


@pytest.mark.parametrize("content", [b"", b"hello", b"RIFF", b"RIFF\0\0\0\0WAVE", b"OggS" + b"\0" * 60])
def test_what_is_not_a_wav_gives_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    assert check_riff(path) is None


@given(st.binary(max_size=200), st.integers(0, 60))
def test_any_bytes_are_survived(tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.wav"
    whole = wav(50)
    path.write_bytes(whole[:at] + noise + whole[at + len(noise) :])
    report = check_riff(path)
    if report is not None:
        assert report.duration_s is None or report.duration_s >= 0
        for piece in report.pieces or ():
            if not isinstance(piece, bytes):
                assert piece[0] + piece[1] <= path.stat().st_size


@pytest.mark.parametrize(("seconds", "flags"), [(600, ("truncated",)), (100, ("bad_header", "truncated"))])
def test_hours_that_are_missing_are_a_lie_only_where_next_to_nothing_is_there(
    tmp_path: Path, seconds: int, flags: tuple[str, ...]
) -> None:
    claimed = 2000 * 4500
    path = tmp_path / "a.wav"
    path.write_bytes(wav(1000 * seconds, rate=1000, data_size=claimed, riff_size=claimed + 36))
    report = check_riff(path)
    assert report is not None
    assert report.flags == flags


def wide(seconds: float, *, size: int | None = None, form: bytes = b"RF64", tail: bytes = b"") -> bytes:
    """EBU Tech 3306: sizes of 64 bits in a chunk of their own, 32 ones in their place."""
    data = b"\x01\x02" * round(8000 * seconds)
    fmt = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
    ds64 = struct.pack("<QQQI", 36 + 36 + len(data), len(data) if size is None else size, len(data) // 2, 0)
    body = b"WAVE" + b"ds64" + struct.pack("<I", len(ds64)) + ds64 + b"fmt " + struct.pack("<I", 16) + fmt
    return form + b"\xff\xff\xff\xff" + body + b"data" + b"\xff\xff\xff\xff" + data + tail


@pytest.mark.parametrize(
    ("content", "flags", "duration"),
    [
        (wide(1.0), (), 1.0),
        (wide(1.0, form=b"BW64"), (), 1.0),
        (wide(1.0, tail=b"LIST" + struct.pack("<I", 400) + b"x" * 400), (), 1.0),
        (wide(1.0, size=8000), (), 0.5),
        (wide(1.0)[:-8000], ("truncated",), 0.5),
        (wide(1.0, form=b"RIFF"), ("bad_header",), 1.0),
    ],
)
def test_a_wav_over_four_gigabytes_has_its_sizes_elsewhere(
    tmp_path: Path, content: bytes, flags: tuple[str, ...], duration: float
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    report = check_riff(path)
    assert report is not None
    assert (report.flags, report.duration_s) == (flags, duration)
