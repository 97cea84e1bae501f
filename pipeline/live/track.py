"""One track of a live call, while it is listened to: resampled, spooled, its speech cut into turns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.audio.decoding.levels import FRAME_SAMPLES, decibels
from pipeline.audio.decoding.resample import Resampler
from pipeline.audio.decoding.spool import read_range
from pipeline.audio.segments import Interval, plan_segments, samples_of
from pipeline.audio.vad.detector import Samples, VoiceActivityDetector
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.disk import write_spooled
from pipeline.encryption.here import open_growing
from pipeline.live.endpoints import SpeechFinder
from pipeline.live.sound import Linear
from pipeline.records import SAMPLE_RATE_HZ, SpeechSegment


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """How the tracks of every live call are listened to."""

    detector: VoiceActivityDetector
    voice_activity: VoiceActivitySettings
    resample_quality: str


@dataclass(frozen=True, slots=True)
class Utterance:
    """A stretch of speech for the recogniser."""

    segment: SpeechSegment
    """The ordinal counts the turns of the track."""
    final: bool
    """False while the speaker goes on: the same ordinal comes again."""


class TrackListener:
    """Used from one thread. Its samples (16 kHz, float32) grow in a spool file, which the recogniser reads.

    Args:
        channel: index of the track.
        source_rate_hz: of the samples it is given.
        partial_every_s: how much more speech there must be before the turn under way is told again; None for never.
    """

    def __init__(
        self,
        channel: int,
        source_rate_hz: int,
        spool: Path,
        hearing: Hearing,
        partial_every_s: float | None,
    ) -> None:
        self.channel = channel
        self.path = spool
        self.samples = 0
        """Spooled so far."""
        self.spoke_at = 0
        """Where somebody was last heard."""
        self._spool = open_growing(spool)
        self._resampler = Resampler(source_rate_hz, 1, hearing.resample_quality)
        self._stream = hearing.detector.stream()
        self._finder = SpeechFinder(hearing.detector.step_samples, hearing.voice_activity)
        self._settings = hearing.voice_activity
        self._padding = samples_of(min(self._settings.padding_ms, self._settings.min_silence_ms))
        self._lag = hearing.detector.onset_lag_samples
        self._longest = int(self._settings.max_segment_s * SAMPLE_RATE_HZ)
        self._partial_every = None if partial_every_s is None else int(partial_every_s * SAMPLE_RATE_HZ)
        self._told_at = 0
        self._before = 0
        """Where the turn before ends, padding included."""
        self._ordinal = 0

    def push(self, samples: Linear) -> list[Utterance]:
        """Turns that end within these samples, and perhaps the one under way. Raises DiskFull, TransientError."""
        return self._listen(self._resampled(samples))

    def finish(self) -> list[Utterance]:
        """The turn that the end of the track ends."""
        found = self._listen(self._resampler.finish()[:, 0])
        found += self._ended(self._finder.push(self._stream.finish()))
        found += self._ended(self._finder.finish(self.samples))
        return [utterance for utterance in found if utterance.final]

    def close(self) -> None:
        self._spool.close()

    def _resampled(self, samples: Linear) -> Samples:
        block = samples.astype(np.float32)[:, np.newaxis] / np.float32(32768.0)
        return self._resampler.push(block)[:, 0]

    def _listen(self, samples: Samples) -> list[Utterance]:
        if not len(samples):
            return []
        write_spooled(self._spool, np.ascontiguousarray(samples, dtype="<f4").tobytes(), self.path.parent)
        self.samples += len(samples)
        found = self._ended(self._finder.push(self._stream.push(samples)))
        found += self._cut()
        if self._finder.is_speech:
            self.spoke_at = self._finder.speaking_until
            found += self._under_way()
        return found

    def _ended(self, intervals: list[Interval]) -> list[Utterance]:
        return [self._final(interval, self._padding) for interval in intervals]

    def _final(self, speech: Interval, padding_after: int) -> Utterance:
        utterance = Utterance(self._segment(speech, padding_after), True)
        self._before = round(utterance.segment.end_s * SAMPLE_RATE_HZ)
        self._ordinal += 1
        self._told_at = self._before
        self.spoke_at = speech.end
        return utterance

    def _cut(self) -> list[Utterance]:
        """Speech longer than a segment may be is cut at its quietest place, as in a recording."""
        found: list[Utterance] = []
        while (began := self._finder.began) is not None and (
            length := self._finder.speaking_until - began
        ) > self._longest:
            samples = read_range(self.path, began, length)
            frames = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
            levels = decibels(np.square(frames.astype(np.float64)).mean(axis=1))
            pieces = plan_segments([Interval(0, length)], levels, self.channel, self._settings)
            cut = began + round(pieces[0].end_s * SAMPLE_RATE_HZ)
            found.append(self._final(Interval(began, cut), 0))
            self._finder.cut(cut)
        return found

    def _under_way(self) -> list[Utterance]:
        began, until = self._finder.began, self._finder.speaking_until
        if self._partial_every is None or began is None or until - max(began, self._told_at) < self._partial_every:
            return []
        self._told_at = until
        return [Utterance(self._segment(Interval(began, until), self._padding), False)]

    def _segment(self, speech: Interval, padding_after: int) -> SpeechSegment:
        start = max(self._before, speech.start - self._padding)
        end = min(self.samples, speech.end + padding_after)
        spoken = max(start, speech.start - self._lag)
        return SpeechSegment(
            channel=self.channel,
            ordinal=self._ordinal,
            start_s=start / SAMPLE_RATE_HZ,
            end_s=end / SAMPLE_RATE_HZ,
            speech=((spoken / SAMPLE_RATE_HZ, speech.end / SAMPLE_RATE_HZ),),
        )
