"""A recording, made ready for the recogniser: decoded, examined, its speech found. Runs in a spawned worker."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.audio.channels.channel import Channel, examine, finish, listen
from pipeline.audio.channels.crosstalk import drop_leaks
from pipeline.audio.channels.duplicates import find_copies
from pipeline.audio.decoding.ingest import Ingested, ingest
from pipeline.audio.roles import assign_roles
from pipeline.audio.vad.choice import DETECTORS, Builder, choose_detector
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.sources import RAW_FORMATS, RawFormat
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.disk import spooling
from pipeline.errors import SourceUnreadable
from pipeline.records import VAD_FALLBACK, AudioHeader, CallMetadata, PreparedCall, Role


def prepare_call(
    path: Path,
    metadata: CallMetadata,
    audio: AudioSettings,
    voice_activity: VoiceActivitySettings,
    spool: Path,
) -> PreparedCall:
    """Prepare one recording; see CallPreparer.prepare. A worker that prepares many keeps one CallPreparer instead."""
    return CallPreparer(audio, voice_activity).prepare(path, metadata, spool)


class CallPreparer:
    """Prepares recordings with one loaded detector. Raises ModelUnavailable when none of the detectors can be used."""

    def __init__(
        self,
        audio: AudioSettings,
        voice_activity: VoiceActivitySettings,
        detectors: dict[str, Builder] | None = None,
        raw_formats: Mapping[str, RawFormat] = RAW_FORMATS,
    ) -> None:
        self._audio = audio
        self._voice_activity = voice_activity
        self._raw_formats = raw_formats
        self._chosen = choose_detector(voice_activity, DETECTORS if detectors is None else detectors)

    @property
    def passed_over(self) -> tuple[str, ...]:
        """Why earlier-listed detectors are not used; reported once per run."""
        return self._chosen.passed_over

    def prepare(self, path: Path, metadata: CallMetadata, spool: Path) -> PreparedCall:
        """Hash, decode, resample and examine `path`; find its speech.

        The samples go to files in a fresh folder under `spool` (16 kHz float32, 230 MB a channel and hour); the
        caller removes it with `spool.discard` when the call is stored. It is removed here on errors.

        Raises AudioUndecodable (terminal), SourceUnreadable (vanished, no permission, changed while it was read)
        and DiskFull or TransientError (the spool folder cannot be written to).
        """
        with spooling(spool):
            spool.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix="call_", dir=spool))
        try:
            return self._prepare(path, metadata, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _prepare(self, path: Path, metadata: CallMetadata, folder: Path) -> PreparedCall:
        timings: dict[str, float] = {}
        before = _identity(path)
        with _timed(timings, "hash"):
            sha256 = _hash(path)
        with _timed(timings, "decode"):
            ingested = ingest(path, folder, self._audio, self._raw_formats)
        if _identity(path) != before:
            raise SourceUnreadable(f"{path.name}: changed while it was read; it is tried again")
        with _timed(timings, "doctor"):
            channels = [examine(ingested, channel, self._audio) for channel in range(ingested.channels)]
            find_copies(channels, self._audio.doctor)
        with _timed(timings, "vad"):
            for channel in channels:
                listen(channel, self._chosen.detector, self._audio, self._voice_activity)
            drop_leaks(channels, self._audio.crosstalk)
            with spooling(folder.parent):
                for channel in channels:
                    finish(channel, self._audio, self._voice_activity)
        roles = assign_roles(ingested.channels, metadata, self._audio, _both_sides_on_each(channels))
        flags = {roles.flag, *ingested.flags, *_call_flags(channels), *metadata.remarks}
        return self._record(sha256, ingested, channels, roles.roles, flags=flags, timings=timings)

    def _record(
        self,
        sha256: str,
        ingested: Ingested,
        channels: Sequence[Channel],
        roles: Sequence[Role],
        *,
        flags: set[str],
        timings: dict[str, float],
    ) -> PreparedCall:
        for channel in channels:
            flags |= channel.flags
        if self._chosen.passed_over:
            flags.add(f"{VAD_FALLBACK}{self._chosen.detector.name}")
        return PreparedCall(
            audio_sha256=sha256,
            header=AudioHeader(
                container=ingested.container,
                codec=ingested.codec,
                sample_rate_hz=ingested.sample_rate_hz,
                channels=ingested.channels,
                duration_s=ingested.duration_s,
                flags=tuple(sorted({"bad_header", "truncated"} & ingested.flags)),
            ),
            duration_s=ingested.duration_s,
            channels=tuple(c.prepared(role) for c, role in zip(channels, roles, strict=True)),
            flags=tuple(sorted(flags)),
            timings_s=timings,
        )


def _both_sides_on_each(channels: Sequence[Channel]) -> bool:
    """A dual-mono recording: every channel is the same one."""
    return len(channels) > 1 and all(channel.same_as is not None for channel in channels[1:])


def _call_flags(channels: Sequence[Channel]) -> set[str]:
    flags = set()
    if len(channels) == 1:
        flags.add("mono")
    if all(channel.silent or channel.same_as is not None for channel in channels):
        flags.add("silence")
    elif not any(channel.segments for channel in channels):
        flags.add("no_speech")
    return flags


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise SourceUnreadable(f"{path.name}: cannot be read now: {error}; it is tried again") from error
    return status.st_size, status.st_mtime_ns


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SourceUnreadable(f"{path.name}: cannot be read now: {error}; it is tried again") from error


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[stage] = timings.get(stage, 0.0) + time.perf_counter() - start
