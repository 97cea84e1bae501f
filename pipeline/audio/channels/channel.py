"""One channel under the doctor: what its levels say, then where its speech is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pipeline.audio.channels.music import find_music, music_candidates
from pipeline.audio.channels.tones import ToneScan, find_ringing
from pipeline.audio.decoding.levels import FRAME_SAMPLES, ChannelLevels, level_dbfs
from pipeline.audio.decoding.sink import IngestedChannel
from pipeline.audio.decoding.spool import Samples, read_blocks, rewrite
from pipeline.audio.segments import (
    Interval,
    earlier_onsets,
    find_speech,
    followed_onsets,
    pad,
    parts_reaching,
    plan_segments,
    samples_of,
    without,
)
from pipeline.audio.vad.detector import Scores, VoiceActivityDetector
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.records import SAMPLE_RATE_HZ, NonSpeech, PreparedChannel, Role, SpeechSegment

_BLOCK_SAMPLES = 1 << 17
"""Some eight seconds at a time."""
_RINGING_PIECE = 60 * SAMPLE_RATE_HZ
"""A dial tone may go on for an hour: it is examined a minute at a time."""
_FULL_SCALE_ROOM = 4.0
"""Float samples that peak above this were not written with full scale 1."""
_LOUDEST_SHARE = 99.9
"""Gain may push the loudest thousandth of the speech's 10 ms peaks into the limiter, and no more."""


@dataclass(slots=True)
class Channel:
    """A channel while it is examined."""

    channel: int
    path: Path
    levels: ChannelLevels
    track: int = 0
    """The track it comes from, among all tracks of the call."""
    flags: set[str] = field(default_factory=set)
    silent: bool = False
    offset: float = 0.0
    """Constant offset to take out."""
    same_as: int | None = None
    gain_db: float = 0.0
    speech: list[Interval] = field(default_factory=list)
    """With padding."""
    spoken: list[Interval] = field(default_factory=list)
    """The same without padding, from where people begin rather than from where the detector is sure. What is taken out
    of `speech` later is still in it."""
    speech_dbfs: float | None = None
    speech_s: float = 0.0
    segments: tuple[SpeechSegment, ...] = ()
    non_speech: tuple[NonSpeech, ...] = ()

    def prepared(self, role: Role) -> PreparedChannel:
        """The finished record."""
        return PreparedChannel(
            channel=self.channel,
            role=role,
            samples_path=self.path,
            samples=self.levels.samples,
            rms_dbfs=self.speech_dbfs,
            peak=self.levels.peak,
            gain_db=self.gain_db,
            speech_s=self.speech_s,
            flags=tuple(sorted(self.flags)),
            segments=self.segments,
            non_speech=self.non_speech,
            same_as_channel=self.same_as,
        )


def examine(ingested: IngestedChannel, number: int, settings: AudioSettings) -> Channel:
    """What the running statistics say of a channel."""
    doctor = settings.doctor
    channel = Channel(number, ingested.path, ingested.levels, ingested.track)
    if ingested.non_finite:
        channel.flags.add("non_finite_samples")
    if ingested.clipped > doctor.clipped_share * max(1, ingested.source_samples):
        channel.flags.add("clipped")
    if abs(channel.levels.offset) > doctor.dc_offset_above:
        channel.flags.add("dc_offset")
        channel.offset = channel.levels.offset
    if channel.levels.loudest_second_dbfs() < doctor.silent_below_dbfs:
        channel.flags.add("silent_channel")
        channel.silent = True
    return channel


def listen(
    channel: Channel, detector: VoiceActivityDetector, audio: AudioSettings, voice_activity: VoiceActivitySettings
) -> None:
    """Hear a spooled channel once: where its speech is, tones and music left out."""
    if channel.silent or channel.same_as is not None:
        return
    gain = 10.0 ** (_listening_gain_db(channel, audio) / 20.0)
    stream = detector.stream()
    tones = ToneScan(audio.tones)
    scores = []
    for block in _levelled(channel, gain):
        scores.append(stream.push(block))
        if audio.tones.enabled:
            tones.push(block)
    scores.append(stream.finish())
    heard = np.concatenate(scores)
    spoken = find_speech(heard, detector.step_samples, channel.levels.samples, voice_activity)
    channel.spoken = _begun(spoken, heard, detector)
    speech = pad(spoken, samples_of(voice_activity.padding_ms), channel.levels.samples)
    barriers = _non_speech(channel, tones, speech, gain, audio)
    channel.speech = without(speech, barriers, samples_of(voice_activity.min_speech_ms))


def finish(channel: Channel, audio: AudioSettings, voice_activity: VoiceActivitySettings) -> None:
    """Level the channel and plan the segments of its speech."""
    if channel.silent or channel.same_as is not None:
        return
    channel.speech_s = sum(interval.length for interval in channel.speech) / SAMPLE_RATE_HZ
    _level(channel, channel.speech, audio)
    barriers = [
        Interval(round(n.start_s * SAMPLE_RATE_HZ), round(n.end_s * SAMPLE_RATE_HZ)) for n in channel.non_speech
    ]
    spoken: list[Interval] = []
    before = 0
    for stretch in channel.speech:
        before = max([before, *(barrier.end for barrier in barriers if barrier.start <= stretch.start)])
        spoken += parts_reaching(channel.spoken, stretch, min(before, stretch.start))
        before = stretch.end
    channel.segments = plan_segments(
        channel.speech, channel.levels.db, channel.channel, voice_activity, barriers=barriers, spoken=spoken
    )


def _begun(spoken: list[Interval], scores: Scores, detector: VoiceActivityDetector) -> list[Interval]:
    """Speech from where people begin, by what is known of the detector."""
    begun = earlier_onsets(spoken, detector.onset_lag_samples)
    if detector.onset_score is None:
        return begun
    followed = followed_onsets(spoken, scores, detector.step_samples, detector.onset_score)
    return [min(onset, other) for onset, other in zip(begun, followed, strict=True)]


def _levelled(channel: Channel, gain: float, stretch: Interval | None = None) -> Iterator[Samples]:
    """The spooled channel, or a stretch of it, in blocks for the detectors: gain applied, offset taken out."""
    for block in read_blocks(
        channel.path, _BLOCK_SAMPLES, stretch.start if stretch else 0, stretch.end if stretch else None
    ):
        yield (block - np.float32(channel.offset)) * np.float32(gain) if channel.offset or gain != 1.0 else block


def _non_speech(
    channel: Channel, scan: ToneScan, speech: list[Interval], gain: float, settings: AudioSettings
) -> list[Interval]:
    """Find tones and music; note them, and return where they are."""
    found = [(stretch, "key_tone") for stretch in scan.key_tones()]
    for candidate in scan.ringing_candidates():
        for start in range(candidate.start, candidate.end, _RINGING_PIECE):
            piece = Interval(start, min(candidate.end, start + _RINGING_PIECE))
            samples = np.concatenate([np.zeros(0, dtype=np.float32), *_levelled(channel, gain, piece)])
            found += [(_moved(stretch, start), "ringing") for stretch in find_ringing(samples, settings.tones)]
    tones = [stretch for stretch, _ in found]
    if settings.music.enabled:
        power = channel.levels.power * gain**2
        for tone in tones:
            power[tone.start // FRAME_SAMPLES : -(-tone.end // FRAME_SAMPLES)] = 0.0
        for candidate in music_candidates(power, speech, settings.music):
            music = find_music(_levelled(channel, gain, candidate), settings.music)
            found += [(_moved(stretch, candidate.start), "hold_music") for stretch in music]
    channel.flags |= {kind for _, kind in found}
    channel.non_speech = tuple(
        NonSpeech(start_s=stretch.start / SAMPLE_RATE_HZ, end_s=stretch.end / SAMPLE_RATE_HZ, kind=kind)
        for stretch, kind in sorted((Interval(s.start, min(s.end, channel.levels.samples)), k) for s, k in found)
    )
    return sorted(stretch for stretch, _ in found)


def _moved(stretch: Interval, by: int) -> Interval:
    return Interval(stretch.start + by, stretch.end + by)


def _listening_gain_db(channel: Channel, settings: AudioSettings) -> float:
    """Gain for finding the speech at all: detectors miss sound that is far too quiet, or far over full scale."""
    loudest = channel.levels.loudest_second_dbfs()
    if channel.levels.peak > _FULL_SCALE_ROOM:
        return -20.0 * float(np.log10(channel.levels.peak))
    if settings.gain.enabled and loudest < settings.gain.quiet_below_dbfs:
        return min(settings.gain.max_gain_db, settings.gain.target_dbfs - loudest)
    return 0.0


def _level(channel: Channel, speech: list[Interval], settings: AudioSettings) -> None:
    """Measure the speech; raise or lower its level in the spool file where needed."""
    peaks = channel.levels.peaks
    if speech:
        frames = np.concatenate([np.arange(i.start // FRAME_SAMPLES, -(-i.end // FRAME_SAMPLES)) for i in speech])
        frames = frames[frames < len(channel.levels.power)]
        channel.speech_dbfs = level_dbfs(float(channel.levels.power[frames].mean()))
        peaks = peaks[frames]
        if channel.speech_dbfs < settings.gain.quiet_below_dbfs:
            channel.flags.add("too_quiet")
            if settings.gain.enabled:
                room = -20.0 * float(np.log10(max(float(np.percentile(peaks, _LOUDEST_SHARE)), 1e-6)))
                wanted = settings.gain.target_dbfs - channel.speech_dbfs
                channel.gain_db = max(0.0, min(wanted, settings.gain.max_gain_db, room))
    if channel.levels.peak > _FULL_SCALE_ROOM:
        channel.flags.add("over_full_scale")
        channel.gain_db = -20.0 * float(np.log10(channel.levels.peak))
    if channel.gain_db or channel.offset:
        rewrite(channel.path, channel.offset, 10.0 ** (channel.gain_db / 20.0))
