"""One live call: its tracks, its recording, its turns."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pipeline.config.areas.live import LiveSettings
from pipeline.live.events import EventLog
from pipeline.live.ports import LiveHeader
from pipeline.live.recording import GrowingRecording
from pipeline.live.refusals import CallRefused, EndReason, Refusal
from pipeline.live.sound import TrackSound, linear
from pipeline.live.track import Hearing, TrackListener, Utterance
from pipeline.records import SAMPLE_RATE_HZ, ChannelAudio, SpeechSegment, TranscriptChunk

_SILENCE_SAMPLES = 1 << 16
"""A gap is filled in blocks of this length."""


class LiveCall:
    """Sound goes in by `offer`, from a connection; `listen` works on it, from the listening thread alone.

    Between the two is a buffer of `live.buffer_bytes`: `offer` refuses what does not fit, and the connection waits.
    """

    def __init__(self, header: LiveHeader, folder: Path, settings: LiveSettings, hearing: Hearing) -> None:
        """`folder`: for its files. Raises OSError."""
        start = header.start
        self.header = header
        self.folder = folder
        self.events = EventLog()
        self.reason: EndReason | None = None
        """Why it is to end, or has ended."""
        self.done = threading.Event()
        """Its last event has been told."""
        self.ended_at: float | None = None
        """When, on the monotonic clock."""
        self.settled = threading.Event()
        """No final turn waits for its answer."""
        self.recording = GrowingRecording(folder / header.file_name, len(start.roles), start.sample_rate_hz)
        self.tracks = [
            TrackListener(
                channel,
                start.sample_rate_hz,
                folder / f"track_{channel}.f32",
                hearing,
                settings.partial_every_s,
            )
            for channel in range(len(start.roles))
        ]
        self.pending: dict[str, SpeechSegment] = {}
        """Final turns that the recogniser has not answered yet, by key. Only with `lock`."""
        self.chunks: list[TranscriptChunk] = []
        self.told: dict[int, int] = {}
        """By track, the ordinal of its last final turn."""
        self.lock = threading.Lock()
        self.heard_at = time.monotonic()
        """When a client last sent something."""
        self.left_at: float | None = self.heard_at
        """Since when it has no connection; None while it has one."""
        self._connection: Callable[[], None] | None = None
        self._settings = settings
        self._longest = int(settings.max_call_s * start.sample_rate_hz)
        self._gap = int(settings.max_gap_s * start.sample_rate_hz)
        self._inbox: deque[TrackSound] = deque()
        self._inbox_bytes = 0
        self._space: Callable[[], None] | None = None
        self._offered = [0] * len(start.roles)
        self._recorded = [0] * len(start.roles)
        self._finished = False

    @property
    def session(self) -> str:
        return self.header.session

    @property
    def duration_s(self) -> float:
        return self.recording.frames / self.header.start.sample_rate_hz

    @property
    def offered(self) -> tuple[int, ...]:
        """By track, the number of the sample expected next."""
        return tuple(self._offered)

    @property
    def recorded(self) -> tuple[int, ...]:
        """By track, up to which sample the recording has it."""
        return tuple(self._recorded)

    @property
    def silent_s(self) -> float:
        """How much of its latest sound nobody spoke in, on any track."""
        heard = max(track.samples for track in self.tracks)
        return (heard - max(track.spoke_at for track in self.tracks)) / SAMPLE_RATE_HZ

    @property
    def audio(self) -> tuple[ChannelAudio, ...]:
        return tuple(
            ChannelAudio(channel=track.channel, role=role, samples_path=track.path.resolve(), samples=track.samples)
            for track, role in zip(self.tracks, self.header.start.roles, strict=True)
        )

    # ------------------------------------------------------------------------------- from a connection

    def attach(self, leave: Callable[[], None]) -> None:
        """A connection serves the call from now on; one that did so before is told to `leave`."""
        with self.lock:
            before, self._connection = self._connection, leave
            self.left_at, self.heard_at = None, time.monotonic()
        if before is not None:
            before()

    def detach(self, leave: Callable[[], None]) -> None:
        """The connection is gone; nothing happens where another one serves the call already."""
        with self.lock:
            if self._connection is leave:
                self._connection, self._space = None, None
                self.left_at = time.monotonic()

    def offer(self, sound: TrackSound, space: Callable[[], None]) -> bool:
        """Take in sound; what was sent before already is left out. False where the buffer is full: try again after
        `space` was called.

        Raises CallRefused for what cannot be of this call.
        """
        self.heard_at = time.monotonic()
        if self.reason is not None:
            return True  # its end is on the way
        rest = self._new_part(sound)
        if rest is None:
            return True
        with self.lock:
            if self._inbox_bytes and self._inbox_bytes + len(rest.content) > self._settings.buffer_bytes:
                self._space = space
                return False
            self._inbox.append(rest)
            self._inbox_bytes += len(rest.content)
        self._offered[rest.track] = rest.first + len(rest.content) // self.header.start.encoding.sample_bytes
        return True

    def end(self, reason: EndReason) -> None:
        """No further sound: what is in the buffer is still heard. The first reason counts."""
        with self.lock:
            self.reason = self.reason or reason

    def _new_part(self, sound: TrackSound) -> TrackSound | None:
        size = self.header.start.encoding.sample_bytes
        if not 0 <= sound.track < len(self._offered):
            raise CallRefused(Refusal.BAD_SOUND, f"there is no track {sound.track}; it has {len(self._offered)}")
        if len(sound.content) % size:
            raise CallRefused(Refusal.BAD_SOUND, f"{len(sound.content)} bytes are no whole samples of {size} bytes")
        expected = self._offered[sound.track]
        last = sound.first + len(sound.content) // size
        if sound.first > expected + self._gap:
            raise CallRefused(
                Refusal.BAD_SOUND,
                f"track {sound.track} goes on at sample {sound.first}, but {expected} is next, and a gap may be "
                f"{self._settings.max_gap_s:g} s long (live.max_gap_s)",
            )
        if last > self._longest:
            self.end(EndReason.TOO_LONG)
            return None
        if last <= expected:
            return None
        if sound.first < expected:
            return TrackSound(sound.track, expected, sound.content[(expected - sound.first) * size :])
        return sound

    # ------------------------------------------------------------------------- from the listening thread

    def listen(self) -> list[Utterance]:
        """Work on what came in. Raises OSError, DiskFull, TransientError when it cannot be written."""
        with self.lock:
            came = list(self._inbox)
            self._inbox.clear()
            self._inbox_bytes = 0
            space, self._space = self._space, None
        found: list[Utterance] = []
        for sound in came:
            found += self._take(sound)
        if space is not None:
            space()
        return found

    def finish(self) -> list[Utterance]:
        """The turns under way end; the recording is closed. Once, after `end`."""
        found = self.listen()
        self._finished = True
        for track in self.tracks:
            found += track.finish()
        self.close_files()
        return found

    @property
    def finished(self) -> bool:
        return self._finished

    def close_files(self) -> None:
        self._finished = True
        for track in self.tracks:
            track.close()
        self.recording.close()

    def pending_answered(self, within_s: float) -> bool:
        """Wait until every final turn is answered; after `finish`."""
        with self.lock:
            if not self.pending:
                return True
        return self.settled.wait(within_s)

    def _take(self, sound: TrackSound) -> list[Utterance]:
        track = self.tracks[sound.track]
        found: list[Utterance] = []
        for start in range(self._recorded[sound.track], sound.first, _SILENCE_SAMPLES):
            found += track.push(np.zeros(min(_SILENCE_SAMPLES, sound.first - start), dtype=np.int16))
        samples = linear(sound.content, self.header.start.encoding)
        self.recording.write(sound.track, sound.first, samples)
        self._recorded[sound.track] = sound.first + len(samples)
        return found + track.push(samples)
