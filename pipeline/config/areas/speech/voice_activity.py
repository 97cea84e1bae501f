"""Finding speech: config.yaml's `voice_activity`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.config.areas.speech.diarisation import PyannoteWeights
from pipeline.config.base import Area, OneOrList
from pipeline.config.influence import IDENTITY, NOTHING, TRANSCRIPT

Probability = Annotated[float, Field(gt=0.0, lt=1.0)]
Milliseconds = Annotated[float, Field(ge=0.0, le=10_000.0)]


class SileroSettings(Area):
    """Silero v6 as an ONNX graph over many windows at once."""

    model_path: Annotated[Path | None, IDENTITY] = None
    """The graph (.onnx) to use; empty for the one in the faster-whisper wheel."""
    model_sha256: str = "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2"
    """SHA-256 the graph must have; empty to accept any."""
    windows_per_run: Annotated[int, Field(ge=1, le=10_000), NOTHING] = 256
    """Windows of 32 ms handed to the graph at once."""
    idle_below_dbfs: Annotated[float, Field(ge=-200.0, le=-40.0)] = -70.0
    """Windows quieter than this (RMS of 32 ms, dB of full scale), and far from a louder one, are not scored, because
    nobody speaks there. -200 scores every window."""
    idle_margin_ms: Milliseconds = 1000.0
    """How far from a louder window, in milliseconds."""


class EnergySettings(Area):
    """Detection by the level above the noise floor: the last fallback, which needs no model."""

    floor_percentile: Annotated[float, Field(ge=1.0, le=50.0)] = 15.0
    """Percentile of the level over `floor_window_s` that counts as the noise floor."""
    floor_window_s: Annotated[float, Field(ge=1.0, le=120.0)] = 20.0
    """Window over which the noise floor is estimated, in seconds."""
    margin_db: Annotated[float, Field(ge=1.0, le=40.0)] = 12.0
    """Level above the noise floor at which speech and silence are equally likely, in dB."""
    slope_db: Annotated[float, Field(gt=0.1, le=20.0)] = 2.0
    """How many dB raise the probability from 0.5 to 0.73."""
    min_level_dbfs: Annotated[float, Field(ge=-120.0, le=0.0)] = -55.0
    """Sound quieter than this is never speech (RMS, dB of full scale)."""


class PyannoteDetectorSettings(PyannoteWeights):
    """The segmentation model of a pyannote pipeline (extra `pyannote`)."""

    window_step_share: Annotated[float, Field(ge=0.05, le=1.0)] = 0.5
    """Distance between the starts of two windows, as a share of their length."""
    windows_per_run: Annotated[int, Field(ge=1, le=1000), NOTHING] = 8
    """Windows handed to the model at once."""


class VoiceActivitySettings(Area):
    """Finding speech: config.yaml's `voice_activity`."""

    detectors: OneOrList[Annotated[tuple[Literal["silero", "energy", "pyannote"], ...], Field(min_length=1)]] = (
        "silero",
        "energy",
    )
    """Detectors in order of preference. If an earlier one could not be used, the reason is logged and stored."""
    strict: Annotated[bool, NOTHING] = False
    """Forbid fallbacks: only the first detector may be used."""
    threshold: Probability = 0.5
    """Speech begins where its probability reaches this value."""
    neg_threshold: Probability = 0.35
    """Speech continues until its probability falls below this value."""
    min_speech_ms: Milliseconds = 100.0
    """Shorter speech is dropped, in milliseconds."""
    min_silence_ms: Milliseconds = 300.0
    """Shorter silence does not end speech, in milliseconds."""
    padding_ms: Milliseconds = 250.0
    """Added before and after speech, in milliseconds."""
    merge_silence_ms: Milliseconds = 500.0
    """Neighbouring speech with at most this much silence between (padding counted as speech) goes to the
    recogniser as one segment, in milliseconds."""
    max_segment_s: Annotated[float, Field(ge=1.0, le=600.0)] = 28.0
    """Longest segment, in seconds. At most the longest input of every recogniser in `transcription.engines` (30 s, or
    its own `max_segment_s`)."""
    cut_search_share: Annotated[float, Field(ge=0.1, le=0.9)] = 0.5
    """Longer speech is cut at its quietest place within this last share of the longest segment."""
    cut_smoothing_ms: Annotated[float, Field(ge=10.0, le=1000.0)] = 120.0
    """Window over which the level is averaged in the search for a quiet place, in milliseconds."""
    cut_quiet_db: Annotated[float, Field(ge=0.0, le=60.0)] = 15.0
    """A place counts as quiet when it lies this far below the speech around it, in dB."""
    overlap_s: Annotated[float, Field(ge=0.0, le=10.0)] = 1.0
    """If no place is quiet, the next segment begins this much before the cut, in seconds."""
    silero: Annotated[SileroSettings, TRANSCRIPT.when_chosen_by("detectors")] = Field(default_factory=SileroSettings)
    energy: Annotated[EnergySettings, TRANSCRIPT.when_chosen_by("detectors")] = Field(default_factory=EnergySettings)
    pyannote: Annotated[PyannoteDetectorSettings, TRANSCRIPT.when_chosen_by("detectors")] = Field(
        default_factory=PyannoteDetectorSettings
    )

    @model_validator(mode="after")
    def _combinations(self) -> VoiceActivitySettings:
        if self.neg_threshold > self.threshold:
            raise ValueError(
                f"voice_activity.neg_threshold ({self.neg_threshold}) must not be above "
                f"voice_activity.threshold ({self.threshold})"
            )
        if self.overlap_s * 2 > self.max_segment_s * (1 - self.cut_search_share):
            raise ValueError(
                f"voice_activity.overlap_s ({self.overlap_s}) must be at most a half of the shortest cut segment, "
                f"{self.max_segment_s * (1 - self.cut_search_share) / 2:g} s "
                "(voice_activity.max_segment_s * (1 - cut_search_share) / 2)"
            )
        if len(set(self.detectors)) != len(self.detectors):
            raise ValueError(f"voice_activity.detectors names one twice: {', '.join(self.detectors)}")
        return self
