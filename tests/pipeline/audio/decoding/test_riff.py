"""RIFF headers that lie, against the file they stand in."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    assert bool(report.problems) == bool(flags)


def test_a_repaired_rate_is_offered_to_the_decoder(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav(rate=0))
    report = check_riff(path)
    assert report is not None
    assert report.repaired_header == {24: struct.pack("<II", 8000, 16000)}


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
        assert 0 <= report.data_bytes <= path.stat().st_size
