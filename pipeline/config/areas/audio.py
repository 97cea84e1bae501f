"""Decoding, channels and their roles, the channel doctor: config.yaml's `audio`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.config.base import Area
from pipeline.config.influence import NOTHING, TRANSCRIPT
from pipeline.records import Direction, Role

Decibel = Annotated[float, Field(ge=-120.0, le=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class GainSettings(Area):
    """Amplifying channels that are much too quiet, evenly over the whole channel."""

    enabled: bool = True
    """Amplify channels whose speech is quieter than `quiet_below_dbfs`."""
    quiet_below_dbfs: Decibel = -40.0
    """Speech quieter than this (RMS, dB of full scale) is flagged `too_quiet` and amplified."""
    target_dbfs: Decibel = -26.0
    """Level after amplification (RMS of the speech, dB of full scale); ITU-T P.56 telephony practice."""
    max_gain_db: Annotated[float, Field(ge=0.0, le=60.0)] = 36.0
    """Largest amplification, in dB."""

    @model_validator(mode="after")
    def _target_is_louder(self) -> GainSettings:
        if self.target_dbfs <= self.quiet_below_dbfs:
            raise ValueError(
                f"audio.gain.target_dbfs ({self.target_dbfs}) must be above "
                f"audio.gain.quiet_below_dbfs ({self.quiet_below_dbfs})"
            )
        return self


class DoctorSettings(Area):
    """What the channel doctor looks for; each finding becomes a flag of the call."""

    silent_below_dbfs: Decibel = -65.0
    """A channel whose loudest second is quieter than this (RMS, dB of full scale) is flagged `silent_channel`."""
    clipped_share: Share = 0.001
    """A channel with a larger share of its samples in flat tops at full scale is flagged `clipped`."""
    dc_offset_above: Share = 0.01
    """A constant offset larger than this (full scale is 1) is removed and flagged `dc_offset`."""
    dual_mono: bool = True
    """Look for channels that are copies of each other; a copy is transcribed once, with the flag `dual_mono`."""
    dual_mono_min_correlation: Annotated[float, Field(ge=0.5, le=1.0)] = 0.9
    """A channel is a copy when every active second correlates with the other channel, after alignment, by at least
    this; or, through a speech codec, when it has the same sounds throughout."""
    dual_mono_max_delay_ms: Annotated[float, Field(ge=0.0, le=100.0)] = 20.0
    """Longest delay between a channel and its copy, in milliseconds. One that is as loud, within 4.5 dB, may be up to
    300 ms late: codecs and lines delay."""
    dual_mono_max_gain_db: Annotated[float, Field(ge=0.0, le=40.0)] = 12.0
    """Largest level difference between a channel and its copy, in dB; with a larger difference it counts as
    crosstalk."""


class ToneSettings(Area):
    """Ringing and key tones, kept out of the recogniser."""

    enabled: bool = True
    """Look for tones; when off, voice activity decides what happens to them."""
    min_level_dbfs: Decibel = -50.0
    """Quieter tones are left alone (RMS, dB of full scale)."""
    key_min_ms: Annotated[float, Field(ge=30.0, le=1000.0)] = 48.0
    """Shortest key tone, in milliseconds (ITU-T Q.24 asks receivers to accept from 40 ms)."""
    key_tolerance: Annotated[float, Field(ge=0.005, le=0.05)] = 0.02
    """Largest deviation from the frequencies of ITU-T Q.23, as a share."""
    key_purity: Annotated[float, Field(ge=0.5, le=1.0)] = 0.9
    """Share of a frame's energy that must lie in the two tones of a key."""
    ringing_frequencies_hz: tuple[tuple[float, ...], ...] = (
        (425.0,),
        (440.0, 480.0),
        (400.0, 450.0),
        (350.0, 440.0),
        (480.0, 620.0),
        (400.0,),
        (450.0,),
        (440.0,),
    )
    """Ringback, dial and busy tones as sets of frequencies heard together, in Hz (ITU-T E.180 supplement 2)."""
    ringing_tolerance_hz: Annotated[float, Field(ge=1.0, le=20.0)] = 8.0
    """Largest deviation from these frequencies, in Hz."""
    ringing_min_ms: Annotated[float, Field(ge=100.0, le=5000.0)] = 350.0
    """Shortest burst of ringing, in milliseconds."""
    ringing_purity: Annotated[float, Field(ge=0.5, le=1.0)] = 0.9
    """Share of a frame's energy that must lie in the tones."""


class MusicSettings(Area):
    """Hold music, kept out of the recogniser."""

    enabled: bool = True
    """Look for hold music."""
    min_s: Annotated[float, Field(ge=2.0, le=60.0)] = 6.0
    """Shortest stretch that counts as music, in seconds."""
    threshold: Annotated[float, Field(ge=0.0, le=5.0)] = 2.2
    """Continuous frequency activation from which a stretch counts as music, 0 to 5. Measured: music 3.7 to 5,
    2.6 to 4 through a 6.5 kbit/s speech codec; pauses in calls up to 1.6."""
    max_speech_share: Share = 0.3
    """Music with a larger share of speech over it is left to the recogniser."""
    min_level_dbfs: Decibel = -45.0
    """Quieter music is left alone (RMS, dB of full scale)."""


class CrosstalkSettings(Area):
    """Speech of one side heard on the channel of the other (handset echo, line leakage), kept out of the recogniser."""

    enabled: bool = True
    """Look for speech that leaks from a louder channel."""
    min_difference_db: Annotated[float, Field(ge=3.0, le=60.0)] = 10.0
    """How much louder the other channel must be at the same time, in dB."""
    min_correlation: Annotated[float, Field(ge=0.3, le=1.0)] = 0.6
    """Correlation with the other channel from which speech counts as leaked."""
    max_delay_ms: Annotated[float, Field(ge=0.0, le=2000.0)] = 500.0
    """Longest delay of the leak, in milliseconds."""
    cancel_echo: Annotated[bool, TRANSCRIPT.when("cancel_echo", False)] = True
    """Subtract the echo of one side from the other's channel before anything is heard on it. Switching it on redoes no
    stored transcript; switching it off does."""
    compare_words: Annotated[bool, TRANSCRIPT.when("compare_words", False)] = True
    """Compare the words of the channels after recognition as well: what one channel only overheard is stored once,
    under the side that said it. Switching it on redoes no stored transcript; switching it off does."""


class AudioSettings(Area):
    """Decoding, channels and their roles, the channel doctor: config.yaml's `audio`."""

    channel_roles: tuple[Role, ...] = (Role.CLIENT, Role.AGENT)
    """Who speaks on each channel, first (left) channel first: agent, client or unknown.
    A channel beyond the list is unknown, and so is the only channel of a mono recording."""
    channel_roles_by_direction: dict[Direction, tuple[Role, ...]] = Field(default_factory=dict)
    """The same by direction (inbound, outbound, internal), for recorders that swap the channels. Roles from a file name
    or sidecar come first, then these, then `channel_roles`."""
    max_channels: Annotated[int, Field(ge=1, le=64), NOTHING] = 8
    """A recording with more channels is refused as undecodable, because no telephone call has so many."""
    max_duration_h: Annotated[float, Field(gt=0.0, le=100.0)] = 12.0
    """Sound beyond this many hours is not read; the call gets the flag `cut_at_max_duration`."""
    block_s: Annotated[float, Field(ge=0.1, le=60.0), NOTHING] = 8.0
    """Seconds of sound held in memory at a time while decoding."""
    resampling: Literal["QQ", "LQ", "MQ", "HQ", "VHQ"] = "HQ"
    """Quality of the resampling to 16 kHz (soxr's recipes, quickest first)."""
    gain: GainSettings = Field(default_factory=GainSettings)
    doctor: DoctorSettings = Field(default_factory=DoctorSettings)
    crosstalk: CrosstalkSettings = Field(default_factory=CrosstalkSettings)
    tones: ToneSettings = Field(default_factory=ToneSettings)
    music: MusicSettings = Field(default_factory=MusicSettings)
