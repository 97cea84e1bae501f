"""One channel under the doctor: what its levels say, then where its speech is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pipeline.audio.channels.music import find_music, music_candidates
from pipeline.audio.channels.tones import ToneScan, find_ringing
from pipeline.audio.decoding.ingest import Ingested
from pipeline.audio.decoding.levels import FRAME_SAMPLES, ChannelLevels, level_dbfs
from pipeline.audio.decoding.spool import Samples, read_blocks, rewrite
from pipeline.audio.segments import Interval, find_speech, plan_segments, without
from pipeline.audio.vad.detector import VoiceActivityDetector
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.records import SAMPLE_RATE_HZ, NonSpeech, PreparedChannel, Role, SpeechSegment

_BLOCK_SAMPLES = 1 << 17
"""Some eight seconds at a time."""
_RINGING_PIECE = 60 * SAMPLE_RATE_HZ
"""A dial tone may go on for an hour: it is looked at by the minute."""
_FULL_SCALE_ROOM = 4.0
"""Float samples that peak above this were not written with full scale 1."""
_LOUDEST_SHARE = 99.9
"""Gain may push the loudest thousandth of the speech's 10 ms peaks into the limiter, not more."""


@dataclass(slots=True)
class Channel:
    """A channel while it is examined."""

    channel: int
    path: Path
    levels: ChannelLevels
    flags: set[str] = field(default_factory=set)
    silent: bool = False
    offset: float = 0.0
    """Constant offset to take out."""
    same_as: int | None = None
    gain_db: float = 0.0
    speech: list[Interval] = field(default_factory=list)
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


def examine(ingested: Ingested, channel: int, settings: AudioSettings) -> Channel:
    """What the running statistics say of a channel."""
    doctor = settings.doctor
    one = Channel(channel, ingested.paths[channel], ingested.levels.channel(channel))
    if ingested.source.non_finite[channel]:
        one.flags.add("non_finite_samples")
    if ingested.source.clipped[channel] > doctor.clipped_share * max(1, ingested.source.samples):
        one.flags.add("clipped")
    if abs(one.levels.offset) > doctor.dc_offset_above:
        one.flags.add("dc_offset")
        one.offset = one.levels.offset
    if one.levels.loudest_second_dbfs() < doctor.silent_below_dbfs:
        one.flags.add("silent_channel")
        one.silent = True
    return one


def listen(
    one: Channel, detector: VoiceActivityDetector, audio: AudioSettings, voice_activity: VoiceActivitySettings
) -> None:
    """Hear a spooled channel once: where its speech is, tones and music left out."""
    if one.silent or one.same_as is not None:
        return
    gain = 10.0 ** (_listening_gain_db(one, audio) / 20.0)
    stream = detector.stream()
    tones = ToneScan(audio.tones)
    scores = []
    for block in _levelled(one, gain):
        scores.append(stream.push(block))
        if audio.tones.enabled:
            tones.push(block)
    scores.append(stream.finish())
    speech = find_speech(np.concatenate(scores), detector.step_samples, one.levels.samples, voice_activity)
    barriers = _non_speech(one, tones, speech, gain, audio)
    one.speech = without(speech, barriers, round(voice_activity.min_speech_ms * SAMPLE_RATE_HZ / 1000))


def finish(one: Channel, audio: AudioSettings, voice_activity: VoiceActivitySettings) -> None:
    """Level the channel and plan the segments of its speech."""
    if one.silent or one.same_as is not None:
        return
    one.speech_s = sum(interval.length for interval in one.speech) / SAMPLE_RATE_HZ
    _level(one, one.speech, audio)
    barriers = [Interval(round(n.start_s * SAMPLE_RATE_HZ), round(n.end_s * SAMPLE_RATE_HZ)) for n in one.non_speech]
    one.segments = plan_segments(one.speech, one.levels.db, one.channel, voice_activity, barriers)


def _levelled(one: Channel, gain: float, place: Interval | None = None) -> Iterator[Samples]:
    """The spooled channel, or a stretch of it, in blocks, as the detectors are to hear it."""
    for block in read_blocks(one.path, _BLOCK_SAMPLES, place.start if place else 0, place.end if place else None):
        yield (block - np.float32(one.offset)) * np.float32(gain) if one.offset or gain != 1.0 else block


def _non_speech(
    one: Channel, scan: ToneScan, speech: list[Interval], gain: float, settings: AudioSettings
) -> list[Interval]:
    """Find tones and music; note them, and return where they are."""
    found = [(stretch, "key_tone") for stretch in scan.key_tones()]
    for candidate in scan.ringing_candidates():
        for start in range(candidate.start, candidate.end, _RINGING_PIECE):
            piece = Interval(start, min(candidate.end, start + _RINGING_PIECE))
            samples = np.concatenate([np.zeros(0, dtype=np.float32), *_levelled(one, gain, piece)])
            found += [(_moved(stretch, start), "ringing") for stretch in find_ringing(samples, settings.tones)]
    tones = [stretch for stretch, _ in found]
    if settings.music.enabled:
        power = one.levels.power * gain**2
        for tone in tones:
            power[tone.start // FRAME_SAMPLES : -(-tone.end // FRAME_SAMPLES)] = 0.0
        for candidate in music_candidates(power, speech, settings.music):
            music = find_music(_levelled(one, gain, candidate), settings.music)
            found += [(_moved(stretch, candidate.start), "hold_music") for stretch in music]
    one.flags |= {kind for _, kind in found}
    one.non_speech = tuple(
        NonSpeech(start_s=stretch.start / SAMPLE_RATE_HZ, end_s=stretch.end / SAMPLE_RATE_HZ, kind=kind)
        for stretch, kind in sorted((Interval(s.start, min(s.end, one.levels.samples)), k) for s, k in found)
    )
    return sorted(stretch for stretch, _ in found)


def _moved(stretch: Interval, by: int) -> Interval:
    return Interval(stretch.start + by, stretch.end + by)


def _listening_gain_db(one: Channel, settings: AudioSettings) -> float:
    """Gain for finding the speech at all: detectors are deaf to what is far too quiet, or far over full scale."""
    loudest = one.levels.loudest_second_dbfs()
    if one.levels.peak > _FULL_SCALE_ROOM:
        return -20.0 * float(np.log10(one.levels.peak))
    if settings.gain.enabled and loudest < settings.gain.quiet_below_dbfs:
        return min(settings.gain.max_gain_db, settings.gain.target_dbfs - loudest)
    return 0.0


def _level(one: Channel, speech: list[Interval], settings: AudioSettings) -> None:
    """Measure the speech; bring it up or down where needed, in the spool file."""
    peaks = one.levels.peaks
    if speech:
        frames = np.concatenate([np.arange(i.start // FRAME_SAMPLES, -(-i.end // FRAME_SAMPLES)) for i in speech])
        frames = frames[frames < len(one.levels.power)]
        one.speech_dbfs = level_dbfs(float(one.levels.power[frames].mean()))
        peaks = peaks[frames]
        if one.speech_dbfs < settings.gain.quiet_below_dbfs:
            one.flags.add("too_quiet")
            if settings.gain.enabled:
                room = -20.0 * float(np.log10(max(float(np.percentile(peaks, _LOUDEST_SHARE)), 1e-6)))
                wanted = settings.gain.target_dbfs - one.speech_dbfs
                one.gain_db = max(0.0, min(wanted, settings.gain.max_gain_db, room))
    if one.levels.peak > _FULL_SCALE_ROOM:
        one.flags.add("over_full_scale")
        one.gain_db = -20.0 * float(np.log10(one.levels.peak))
    if one.gain_db or one.offset:
        rewrite(one.path, one.offset, 10.0 ** (one.gain_db / 20.0))
