"""Opening a recording for FFmpeg: which of its bytes are read, and as what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.audio.decoding.pieces import PiecedFile, Pieces
from pipeline.audio.decoding.riff import RiffReport, check_riff
from pipeline.config.areas.sources import RAW_FORMATS, RawFormat
from pipeline.encryption.here import open_file
from pipeline.encryption.sealed import is_sealed
from pipeline.errors import AudioUndecodable

if TYPE_CHECKING:
    from av.container import InputContainer

_ONLY_THIS_FILE = {
    "protocol_whitelist": "file",
    "format_whitelist": "wav,w64,aiff,au,caf,flac,ogg,mp3,aac,mov,mp4,m4a,3gp,3g2,mj2,asf,matroska,webm,amr,amrnb,"
    "amrwb,gsm,g722,g729,wv,tta,ape,ac3,eac3,avi,mpeg,mpegts,rm,alaw,mulaw,s16le,s16be,u8",
}
"""Containers of sound only: a playlist named .wav could make FFmpeg read other files or fetch addresses."""
_MAGIC = (
    b"RIFF", b"RF64", b"BW64", b"OggS", b"fLaC", b"ID3", b"#!AMR", b"FORM", b".snd", b"caff", b"riff\x2e\x91\xcf\x11",
    b"\x1a\x45\xdf\xa3", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"wvpk", b"MAC ", b".RMF", b"TTA1",
)  # fmt: skip
"""What containers begin with, without weak marks (MP3's frame sync)."""
_MP4 = slice(4, 8), b"ftyp"
"""The same for MP4, whose mark does not stand first."""
_READ_WITH_TAG = (b"fLaC", b"MAC ", b"TTA1")
"""Formats that FFmpeg finds behind an ID3 tag by itself, besides MP3 and AAC."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a file."""

    riff: RiffReport | None = None
    raw: RawFormat | None = None
    """Set for sound without any header, known by its suffix alone."""
    pieces: Pieces | None = None
    has_magic: bool = False
    """Whether it begins as a container does: then it is a recording, though perhaps a broken one."""


def look_at(path: Path, raw_formats: Mapping[str, RawFormat] = RAW_FORMATS) -> Layout:
    """Read a file's first bytes. Raises OSError, and AudioUndecodable for what FFmpeg would read as noise."""
    riff = check_riff(path)
    if riff is not None:
        return Layout(riff, pieces=riff.pieces, has_magic=True)
    with open_file(path) as file:
        head = file.read(16)
        tag = _tag_length(head)
        file.seek(tag)
        behind = file.read(16)
        size = file.seek(0, 2)
    if tag and _has_magic(behind) and not behind.startswith(_READ_WITH_TAG):
        return Layout(pieces=((tag, size - tag),), has_magic=True)
    if b"RIFX" in (head[:4], behind[:4]):
        raise AudioUndecodable(
            f"{path.name}: a WAV of big-endian numbers (RIFX) is not read; convert it to WAV or FLAC"
        )
    has_magic = _has_magic(head)
    return Layout(raw=None if has_magic else raw_formats.get(path.suffix[1:].lower()), has_magic=has_magic)


def open_container(path: Path, layout: Layout) -> InputContainer:
    """Raises av.FFmpegError, OSError, ValueError."""
    import av

    source: Any = str(path)
    if layout.pieces:
        source = PiecedFile(open_file(path), layout.pieces)
    elif is_sealed(path):
        source = open_file(path)
    options, raw = dict(_ONLY_THIS_FILE), layout.raw
    if raw is not None and raw.format != "g722":
        options["ch_layout"] = {1: "mono", 2: "stereo"}.get(raw.channels, f"{raw.channels}C")
        options["sample_rate"] = str(raw.sample_rate_hz)
    opened: InputContainer = av.open(
        source, mode="r", format=raw.format if raw else None, metadata_errors="replace", options=options
    )
    return opened


def _has_magic(head: bytes) -> bool:
    place, mark = _MP4
    return head.startswith(_MAGIC) or head[place] == mark


def _tag_length(head: bytes) -> int:
    """Bytes of the ID3v2 tag a file begins with (id3.org, "ID3 tag version 2.4.0", 3.1); 0 for none."""
    if head[:3] != b"ID3" or len(head) < 10 or any(byte & 0x80 for byte in head[6:10]):
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + size + (10 if head[5] & 0x10 else 0)
