"""How loud a channel is heard and kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.audio.channels.channel import Channel, examine, finish, listen
from pipeline.audio.decoding.levels import FrameLevels
from pipeline.audio.decoding.sink import IngestedChannel
from pipeline.audio.decoding.spool import read_range
from pipeline.audio.segments import Interval
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.records import NonSpeech, Role
from tests.pipeline.audio.channels.made import channels_of, noise
from tests.pipeline.audio.sounds import RATE, Samples, music


class Listener:
    """A detector that keeps what it hears, and takes none of it for speech."""

    name = "listener"
    step_samples = 512
    onset_lag_samples = 0
    onset_score: float | None = None

    def __init__(self) -> None:
        self.heard: list[Samples] = []

    def stream(self) -> Listener:
        return self

    def push(self, samples: Samples) -> Samples:
        self.heard.append(samples)
        return np.zeros(0, dtype=np.float32)

    def finish(self) -> Samples:
        return np.zeros(-(-sum(map(len, self.heard)) // self.step_samples), dtype=np.float32)


def heard(channel: Channel, **settings: object) -> Samples:
    listener = Listener()
    listen(channel, listener, AudioSettings.model_validate(settings), VoiceActivitySettings())
    return np.concatenate(listener.heard)


class Scored(Listener):
    """Scores each step of 32 ms as it is told."""

    onset_score: float | None = 0.1

    def __init__(self, scores: list[float]) -> None:
        super().__init__()
        self._scores = scores

    def finish(self) -> Samples:
        scores = super().finish()
        scores[: len(self._scores)] = self._scores
        return scores


@pytest.mark.parametrize(
    ("tones", "begins_s"),
    [
        pytest.param((), 0.96, id="quiet"),
        pytest.param((NonSpeech(start_s=0.9, end_s=1.1, kind="key_tone"),), 1.19, id="a tone before"),
    ],
)
def test_talk_begins_with_its_quiet_first_syllable(
    tmp_path: Path, tones: tuple[NonSpeech, ...], begins_s: float
) -> None:
    (channel,) = channels_of(tmp_path, noise(3, 0))
    listen(channel, Scored([0.0] * 30 + [0.2] * 15 + [0.9] * 20), AudioSettings(), VoiceActivitySettings())
    channel.non_speech = tones
    finish(channel, AudioSettings(), VoiceActivitySettings())
    (segment,) = channel.segments
    assert segment.start_s == pytest.approx(1.19)
    assert np.array(segment.speech) == pytest.approx(np.array([(begins_s, 2.08)]))


def level_db(samples: Samples) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


def kept(channel: Channel) -> Samples:
    """The spooled samples after the channel is finished, all of it speech."""
    channel.speech = [Interval(0, channel.levels.samples)]
    finish(channel, AudioSettings(), VoiceActivitySettings())
    return read_range(channel.path, 0, channel.levels.samples)


@pytest.mark.parametrize(
    ("level", "settings", "expected"),
    [
        (-30.0, {}, -26.0),  # -50 dBFS: brought up to the target
        (-15.0, {}, -35.0),  # -35 dBFS: loud enough
        (-44.0, {}, -28.0),  # -64 dBFS: no more than 36 dB
        (-30.0, {"gain": {"enabled": False}}, -50.0),
    ],
)
def test_detectors_hear_a_quiet_channel_louder(
    tmp_path: Path, level: float, settings: dict[str, object], expected: float
) -> None:
    (channel,) = channels_of(tmp_path, noise(5.0, 1, level))
    assert level_db(heard(channel, **settings)) == pytest.approx(expected, abs=0.8)


def test_detectors_hear_a_channel_without_its_offset(tmp_path: Path) -> None:
    (channel,) = channels_of(tmp_path, noise(5.0, 1) + np.float32(0.3))
    channel.offset = channel.levels.offset
    assert abs(float(heard(channel).mean())) < 1e-4


@pytest.mark.parametrize(("peak", "is_over"), [(0.95, False), (1.3, False), (3.9, False), (4.1, True)])
def test_only_what_peaks_far_above_full_scale_was_written_without_one(
    tmp_path: Path, peak: float, is_over: bool
) -> None:
    samples = noise(5.0, 1)
    samples[1000] = peak
    (channel,) = channels_of(tmp_path, samples)
    stored = kept(channel)
    assert ("over_full_scale" in channel.flags) is is_over
    assert channel.gain_db == pytest.approx(-20 * np.log10(peak) if is_over else 0.0)
    assert level_db(stored) == pytest.approx(level_db(samples) + channel.gain_db, abs=0.1)


@pytest.mark.parametrize(
    ("level_dbfs", "settings", "is_music"),
    [
        (-30.0, {"gain": {"enabled": False}}, True),
        (-60.0, {"gain": {"enabled": False}}, False),
        (-60.0, {}, True),  # brought up by 34 dB
        (-60.0, {"music": {"min_level_dbfs": -15.0}}, False),
        (-30.0, {"music": {"enabled": False}}, False),
    ],
)
def test_music_must_be_loud_enough_as_it_is_listened_to(
    tmp_path: Path, level_dbfs: float, settings: dict[str, object], is_music: bool
) -> None:
    (channel,) = channels_of(tmp_path, music(12.0, level_dbfs=level_dbfs))
    heard(channel, **settings)
    assert ("hold_music" in channel.flags) is is_music
    assert bool(channel.non_speech) is is_music


@pytest.mark.parametrize(
    ("loud_frames", "gain_db"),
    [
        (0, 20.0),
        (1, 20.0),  # within the loudest thousandth: the limiter takes it
        (10, 10.5),  # peaks at -10.5 dBFS, more of them than that
    ],
)
def test_gain_ends_where_the_loudest_peaks_reach_full_scale(tmp_path: Path, loud_frames: int, gain_db: float) -> None:
    samples = noise(20.0, 1, -26.0)
    samples[: loud_frames * 160 : 160] = 0.3
    (channel,) = channels_of(tmp_path, samples)
    stored = kept(channel)
    assert channel.flags == {"too_quiet"}
    assert channel.gain_db == pytest.approx(gain_db, abs=0.3)
    assert float(np.abs(stored).max()) <= 1.0
    assert len(stored) == 20 * RATE


@pytest.mark.parametrize(("tones", "segments"), [((), 1), ((NonSpeech(start_s=1.05, end_s=1.15, kind="key_tone"),), 2)])
def test_speech_is_not_joined_over_a_tone(tmp_path: Path, tones: tuple[NonSpeech, ...], segments: int) -> None:
    (channel,) = channels_of(tmp_path, noise(3.0, 1))
    channel.speech = [Interval(0, RATE), Interval(round(1.2 * RATE), 2 * RATE)]
    channel.non_speech = tones
    finish(channel, AudioSettings(), VoiceActivitySettings())
    assert len(channel.segments) == segments


def ingested(samples: Samples, **counted: int) -> IngestedChannel:
    levels = FrameLevels(1)
    levels.push(samples[None])
    levels.finish()
    counts = {"non_finite": 0, "clipped": 0, "source_samples": 8000, **counted}
    return IngestedChannel(track=3, path=Path("1.f32"), levels=levels.channel(0), **counts)


def swinging(around: float) -> Samples:
    """A second at -18 dBFS with this mean; all values are exact."""
    return np.tile(np.array([around - 0.125, around + 0.125], dtype=np.float32), RATE // 2)


@pytest.mark.parametrize(
    ("samples", "counted", "flags"),
    [
        (swinging(0.0), {}, set()),
        (swinging(0.0), {"non_finite": 1}, {"non_finite_samples"}),
        (swinging(0.0), {"clipped": 8}, set()),
        (swinging(0.0), {"clipped": 9}, {"clipped"}),
        (swinging(0.0), {"clipped": 1, "source_samples": 0}, {"clipped"}),
        (swinging(0.0078125), {}, set()),
        (swinging(0.015625), {}, {"dc_offset"}),
        (swinging(-0.015625), {}, {"dc_offset"}),
        (np.zeros(RATE, dtype=np.float32), {}, {"silent_channel"}),
        (np.zeros(0, dtype=np.float32), {}, {"silent_channel"}),
    ],
)
def test_what_is_wrong_with_a_channel_from_its_limit_on(
    samples: Samples, counted: dict[str, int], flags: set[str]
) -> None:
    """A thousandth of its samples may be clipped, and its mean lie 0.0078125 off zero."""
    doctor = {"clipped_share": 0.001, "dc_offset_above": 0.0078125}
    channel = examine(ingested(samples, **counted), 1, AudioSettings.model_validate({"doctor": doctor}))
    assert channel.flags == flags
    assert channel.silent is ("silent_channel" in flags)
    assert channel.offset == (float(samples.mean()) if "dc_offset" in flags else 0.0)
    record = channel.prepared(Role.AGENT)
    assert (record.channel, record.role, record.samples_path) == (1, Role.AGENT, Path("1.f32"))
    assert (record.samples, record.flags, record.gain_db) == (len(samples), tuple(sorted(flags)), 0.0)
    assert record.peak == float(np.abs(samples).max(initial=0.0))
    assert (record.segments, record.speech_s, record.rms_dbfs, record.same_as_channel) == ((), 0.0, None, None)


@pytest.mark.parametrize(("above_db", "silent"), [(0.0, False), (0.01, True)])
def test_a_channel_as_loud_as_the_limit_is_not_silent(above_db: float, silent: bool) -> None:
    one = ingested(noise(2.0, 1, -40.0))
    limit = one.levels.loudest_second_dbfs() + above_db
    channel = examine(one, 1, AudioSettings.model_validate({"doctor": {"silent_below_dbfs": limit}}))
    assert channel.silent is silent
