"""A recording, made ready for the recogniser: decoded, examined, its speech found. Runs in a spawned worker."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pipeline.audio.channels.channel import Channel, examine, finish, listen
from pipeline.audio.channels.crosstalk import drop_leaks
from pipeline.audio.channels.duplicates import find_copies
from pipeline.audio.channels.echo import cancel_echoes
from pipeline.audio.channels.tracks import of_the_call
from pipeline.audio.decoding.ingest import Ingested, SourceFile, ingest_call
from pipeline.audio.roles import ChannelRoles, assign_roles, is_mix, role_of_track
from pipeline.audio.vad.choice import DETECTORS, Builder, choose_detector
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.sources import RAW_FORMATS, ROLE_WORDS, RawFormat
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.disk import remove_folder, spooling
from pipeline.encryption.here import open_file
from pipeline.errors import AudioUndecodable, SourceUnreadable
from pipeline.records import UNDECODABLE_TRACK, VAD_FALLBACK, AudioHeader, CallMetadata, PreparedCall, Role


class CallPreparer:
    """Prepares recordings with one loaded detector. Raises ModelUnavailable when none of the detectors can be used."""

    def __init__(
        self,
        audio: AudioSettings,
        voice_activity: VoiceActivitySettings,
        detectors: dict[str, Builder] | None = None,
        raw_formats: Mapping[str, RawFormat] = RAW_FORMATS,
        role_words: Mapping[str, Role] = ROLE_WORDS,
    ) -> None:
        """`role_words`: what the titles of audio tracks call the sides."""
        self._audio = audio
        self._voice_activity = voice_activity
        self._raw_formats = raw_formats
        self._role_words = role_words
        self._chosen = choose_detector(voice_activity, DETECTORS if detectors is None else detectors)

    @property
    def passed_over(self) -> tuple[str, ...]:
        """Why earlier-listed detectors are not used; reported once per run."""
        return self._chosen.passed_over

    def prepare(self, path: Path, metadata: CallMetadata, spool: Path) -> PreparedCall:
        """Prepare a call of one file; see `prepare_sides`."""
        return self.prepare_sides((SourceFile(path=path),), metadata, spool)

    def prepare_sides(
        self, files: Sequence[SourceFile], metadata: CallMetadata, spool: Path, roles: Sequence[Role] = ()
    ) -> PreparedCall:
        """Hash, decode, resample and examine a call's files; find its speech.

        The samples go to files in a fresh folder under `spool` (16 kHz float32, 230 MB a channel and hour); the
        caller removes it with `spool.discard` when the call is stored. It is removed here on errors.

        Args:
            files: one, or one for each side.
            roles: who speaks in each of several files.

        Raises AudioUndecodable (terminal), SourceUnreadable (vanished, no permission, changed while it was read)
        and DiskFull or TransientError (the spool folder cannot be written to).
        """
        with spooling(spool):
            spool.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix="call_", dir=spool))
        try:
            return self._prepare(files, metadata, folder, roles)
        except BaseException:
            remove_folder(folder)
            raise

    def _prepare(
        self, files: Sequence[SourceFile], metadata: CallMetadata, folder: Path, roles_of_files: Sequence[Role]
    ) -> PreparedCall:
        timings: dict[str, float] = {}
        before = [_identity(file.path) for file in files]
        with _timed(timings, "hash"):
            sha256 = _hash_of_call(files)
        with _timed(timings, "decode"):
            ingested = ingest_call(files, folder, self._audio, self._raw_formats)
        for file, was in zip(files, before, strict=True):
            if _identity(file.path) != was:
                raise SourceUnreadable(f"{file.path.name}: changed while it was read; it is tried again")
        by_track = self._roles_of_tracks(ingested, metadata, roles_of_files)
        with _timed(timings, "doctor"):
            channels, left_out = self._channels(ingested, by_track)
        with _timed(timings, "echo"), spooling(folder.parent):
            cancel_echoes(channels, self._audio.crosstalk)
        with _timed(timings, "vad"):
            for channel in channels:
                listen(channel, self._chosen.detector, self._audio, self._voice_activity)
            drop_leaks(channels, self._audio.crosstalk)
            with spooling(folder.parent):
                for channel in channels:
                    finish(channel, self._audio, self._voice_activity)
        if roles_of_files:
            metadata = replace(metadata, channel_roles=None)  # each file has its own
        roles = self._roles(channels, metadata, by_track)
        flags = {roles.flag, *left_out, *ingested.flags, *_call_flags(channels), *metadata.remarks}
        return self._record(sha256, ingested, channels, roles.roles, flags=flags, timings=timings)

    def _roles_of_tracks(
        self, ingested: Ingested, metadata: CallMetadata, roles_of_files: Sequence[Role]
    ) -> list[Role | None]:
        """Who speaks on each track, as the file it is in or its titles say."""
        if roles_of_files:
            return [roles_of_files[track.file] for track in ingested.tracks]
        if len(ingested.tracks) == 1:
            return [None]
        return [role_of_track(track.titles, self._role_words, metadata.direction) for track in ingested.tracks]

    def _channels(self, ingested: Ingested, by_track: Sequence[Role | None]) -> tuple[list[Channel], set[str]]:
        """The call's channels, examined; and flags for what was left out. Raises AudioUndecodable for too many."""
        examined = [examine(channel, number, self._audio) for number, channel in enumerate(ingested.channels)]
        find_copies(examined, self._audio.doctor)
        named = {track for track, role in enumerate(by_track) if role is not None}
        mixes = {number for number, track in enumerate(ingested.tracks) if is_mix(track.titles)}
        channels, left_out = of_the_call(examined, named, mixes)
        if len(channels) > self._audio.max_channels:
            raise AudioUndecodable(
                f"{len(channels)} channels in {len(ingested.tracks)} tracks, more than audio.max_channels "
                f"({self._audio.max_channels})"
            )
        return channels, left_out

    def _roles(
        self, channels: Sequence[Channel], metadata: CallMetadata, by_track: Sequence[Role | None]
    ) -> ChannelRoles:
        """A track names the side of its channel only if it has no other."""
        own = Counter(channel.track for channel in channels)
        named = [by_track[channel.track] if own[channel.track] == 1 else None for channel in channels]
        return assign_roles(len(channels), metadata, self._audio, _both_sides_on_each(channels), named)

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
        tracks = [ingested.tracks[number] for number in sorted({channel.track for channel in channels})]
        if self._chosen.passed_over:
            flags.add(f"{VAD_FALLBACK}{self._chosen.detector.name}")
        return PreparedCall(
            audio_sha256=sha256,
            header=AudioHeader(
                container=_joined(track.container for track in tracks),
                codec=_joined(track.codec for track in tracks),
                sample_rate_hz=max((track.sample_rate_hz for track in tracks), default=0),
                channels=len(channels),
                duration_s=ingested.duration_s,
                flags=tuple(sorted({"bad_header", "truncated"} & ingested.flags)),
            ),
            duration_s=ingested.duration_s,
            channels=tuple(c.prepared(role) for c, role in zip(channels, roles, strict=True)),
            flags=tuple(sorted(flags)),
            timings_s=timings,
            notes={UNDECODABLE_TRACK: "; ".join(ingested.faults)} if ingested.faults else {},
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
        with open_file(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SourceUnreadable(f"{path.name}: cannot be read now: {error}; it is tried again") from error


def _hash_of_call(files: Sequence[SourceFile]) -> str:
    """Of a call in several files: over the hash of each."""
    hashes = [_hash(file.path) for file in files]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def _joined(names: Iterable[str]) -> str:
    """`pcm_s16le`, or `pcm_s16le+opus` where tracks differ."""
    return "+".join(dict.fromkeys(name for name in names if name))


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[stage] = timings.get(stage, 0.0) + time.perf_counter() - start
