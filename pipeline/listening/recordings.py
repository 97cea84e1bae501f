"""Where the recording of a stored call is now, and whether a browser plays it as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.config.areas.buckets import in_bucket
from pipeline.config.areas.sources import InputSettings
from pipeline.errors import SourceUnreadable
from pipeline.records import FoundCall
from pipeline.sources.addresses import file_path, object_parts, zip_parts
from pipeline.sources.pairs import PAIR_MARK
from pipeline.sources.source import CallSource

LOCAL = "file://"
_WAV = ("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_mulaw", "pcm_alaw")
_PLAYED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "wav": ("audio/wav", _WAV),
    "mp3": ("audio/mpeg", ("mp3", "mp3float")),
    "flac": ("audio/flac", ("flac",)),
    "ogg": ("audio/ogg", ("opus", "vorbis")),
    "mov,mp4,m4a,3gp,3g2,mj2": ("audio/mp4", ("aac",)),
    "matroska,webm": ("audio/webm", ("opus", "vorbis")),
}
"""Container to its media type and the codecs in it that today's browsers play."""
_ODD = frozenset({"bad_header", "several_tracks", "format_change", "silent_track", "undecodable_track"})
"""Flags of recordings that a browser may read otherwise than we did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecording:
    """What the ledger knows of a call's recording."""

    source_uri: str
    file_name: str
    size_bytes: int
    modified_at: datetime | None
    etag: str | None
    container: str | None
    codec: str | None
    channels: int | None
    flags: tuple[str, ...] = ()

    @property
    def in_two_files(self) -> bool:
        return self.etag is not None and self.etag.startswith(PAIR_MARK)


def why_gone(recording: StoredRecording) -> str | None:
    """Why the recording cannot be heard, as far as a look at this machine's disk tells; None where nothing speaks
    against it."""
    uri = recording.source_uri
    if in_bucket(uri):
        return None
    path = file_path(uri) if uri.startswith(LOCAL) else zip_parts(uri)[0]
    try:
        size = path.stat().st_size
    except OSError as error:
        return (
            f"The recording is no longer at {path} ({error.strerror}). If it was moved, the next run that finds it "
            "there brings it back to this page."
        )
    if uri.startswith(LOCAL) and not recording.in_two_files and size != recording.size_bytes:
        return (
            f"The file at {path} is no longer the one that was transcribed: it has {size:,} bytes, not "
            f"{recording.size_bytes:,}. The next run processes it."
        )
    return None


def media_type(recording: StoredRecording) -> str | None:
    """Of the file as it stands, where a browser plays it; None where it has to be decoded first."""
    media, codecs = _PLAYED.get(recording.container or "", ("", ()))
    plain = (
        recording.source_uri.startswith(LOCAL)
        and not recording.in_two_files
        and recording.channels in (1, 2)
        and not _ODD & set(recording.flags)
    )
    return media if plain and recording.codec in codecs else None


def local_file(recording: StoredRecording) -> Path:
    """The file of a recording with a media type."""
    return file_path(recording.source_uri)


def found_again(recording: StoredRecording, settings: InputSettings) -> FoundCall:
    """The recording as its source offers it, with both files where it has two.

    Raises SourceUnreadable where the second file is not beside the first any more.
    """
    call = FoundCall(
        source_uri=recording.source_uri,
        file_name=recording.file_name,
        size_bytes=recording.size_bytes,
        modified_at=recording.modified_at,
        etag=recording.etag,
    )
    if not recording.in_two_files:
        return call
    if recording.source_uri.startswith(LOCAL):
        from pipeline.sources.folder import NamedFilesSource

        beside = NamedFilesSource([str(file_path(recording.source_uri))], settings).discover()
        for item in beside:
            if isinstance(item, FoundCall) and item.sides and item.source_uri == recording.source_uri:
                return item
    raise SourceUnreadable(f"{recording.file_name}: the file of the other side is not there to be heard")


def source_of(recording: StoredRecording, settings: InputSettings) -> CallSource:
    """What brings the recording here."""
    uri = recording.source_uri
    if in_bucket(uri):
        from pipeline.sources.bucket import BucketSource

        return BucketSource(settings.model_copy(update={"path": object_parts(uri)[0]}))
    if uri.startswith(LOCAL):
        from pipeline.sources.folder import FolderSource

        return FolderSource(str(file_path(uri).parent), settings)
    from pipeline.sources.archive import ArchiveSource

    return ArchiveSource(str(zip_parts(uri)[0]), settings)
