"""Frozen records that flow from an audio file to a transcript. A leaf: imports nothing of ours.

Times are seconds from the first sample of the recording, on one clock for all channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.pickling import quickly_pickled
from pipeline.roles import Role as Role  # noqa: PLC0414 - one of the records for all who read them
from pipeline.tracing.origin import Origin, trace_place

SAMPLE_RATE_HZ = 16_000
"""Everything after the decoder is float32 at this rate."""


FALLBACK_MARK = "+fallback"
"""Suffix of a step result's fingerprint when its provider was not the first choice: the next run makes the result
again, and it never replaces a better one."""


UNDECODABLE_TRACK = "undecodable_track"
"""Flag of a call one of whose tracks or files could not be decoded; the reason has the same name."""
SIDE_OF_CALL = "side_of_call"
"""`error_type` of the row of a file that was a call of its own before it was joined with its other side."""
ERASED = "erased"
"""Reason of a recording whose bytes were erased before, under this name or another; it gets no row."""


class Direction(StrEnum):
    """Who called whom, seen from the company."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class CustomerSegment(StrEnum):
    """Business or private customer."""

    B2B = "b2b"
    B2C = "b2c"


class CallStatus(StrEnum):
    """`calls.status`."""

    TRANSCRIBED = "transcribed"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    QUARANTINED = "quarantined"


class StepState(StrEnum):
    """State of one analysis step of one call."""

    DONE = "done"
    MISSING = "missing"
    """There is no value to find (language, too short, nothing matched); not tried again for the same fingerprint."""
    FAILED = "failed"
    """No value because something broke; a later run fills in just this."""


# ----------------------------------------------------------------------------------------------- found


REMARKS = ("_unreadable", "_ambiguous", "_shifted")
OTHER_SIDE_MISSING = "other_side_missing"
"""Remark on a call of which only one side's file is there, by its name."""


@quickly_pickled
@dataclass(frozen=True, slots=True, kw_only=True)
class CallMetadata:
    """What file name, path and sidecar say about a call. Unknown is None, never a default."""

    started_at: datetime | None = None
    """With time zone."""
    direction: Direction | None = None
    agent_id: str | None = None
    customer_segment: CustomerSegment | None = None
    language: str | None = None
    """ISO 639-1, lower case."""
    queue: str | None = None
    related_call: str | None = None
    """What the file name gives of the call this one was transferred from."""
    extension: str | None = None
    channel_roles: tuple[Role, ...] | None = None
    """Index is the channel, when the name or the sidecar says so."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Further named groups and sidecar columns; a doubt about a field stands under `<field><REMARK>`."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Doubts about fields, which become flags of the call: `started_at_ambiguous`, `direction_unreadable`, …."""
        return tuple(sorted(name for name in self.extra if name.endswith(REMARKS) or name == OTHER_SIDE_MISSING))


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCall:
    """A recording a source offers, before its audio is looked at."""

    source_uri: str
    """Stable address: `file:///…/a.wav`, `zip:///…/delivery.zip!/a.wav`, `s3://bucket/key`."""
    file_name: str
    size_bytes: int
    modified_at: datetime | None
    """With time zone (UTC). None where the file's time fits no calendar; `etag` then shows changes."""
    etag: str | None = None
    metadata: CallMetadata = CallMetadata()
    sides: tuple[FoundCall, ...] = ()
    """The two files of a call that has one for each side, the first of which gives it its address; else empty."""
    lone_side: str | None = None
    """The side that its name gives (`in`), where a file of the other side is not there; else None."""

    @property
    def files(self) -> tuple[FoundCall, ...]:
        """What must be fetched."""
        return self.sides or (self,)

    def skipped(self, reason: str, message: str, *, waiting: bool = False) -> SkippedFile:
        """It, found to be none that can be processed, or none yet."""
        return SkippedFile(
            source_uri=self.source_uri,
            file_name=self.file_name,
            size_bytes=self.size_bytes,
            modified_at=self.modified_at,
            reason=reason,
            message=message,
            waiting=waiting,
            etag=self.etag,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedFile:
    """A file that a source skipped, and why."""

    source_uri: str
    file_name: str
    size_bytes: int
    modified_at: datetime | None
    reason: str
    """One word for machines: `empty`, `not_audio`, `too_small`, `too_short`, `unsafe_path`, …"""
    message: str
    waiting: bool = False
    """True for a file still being written: left for the next run, not recorded as skipped."""
    etag: str | None = None


def erased_file(call: FoundCall) -> SkippedFile:
    """A recording that turns out to have been erased."""
    return call.skipped(ERASED, "this recording was erased (db purge)")


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioHeader:
    """What the container claims, after it was checked against the file."""

    container: str
    codec: str
    sample_rate_hz: int
    channels: int
    duration_s: float | None
    """None when the container does not say."""
    flags: tuple[str, ...] = ()
    """`bad_header`, `truncated`."""


# -------------------------------------------------------------------------------------------- prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class NonSpeech:
    """A stretch kept out of the recogniser."""

    start_s: float
    end_s: float
    kind: str
    """`ringing`, `key_tone`, `hold_music`."""


SpeechSpan = tuple[float, float]
"""Start and end of speech, seconds from the first sample of the recording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechSegment:
    """A stretch of one channel for the recogniser, padding included."""

    channel: int
    ordinal: int
    """From 0 within the channel, in time order."""
    start_s: float
    end_s: float
    overlap_s: float = 0.0
    """How much of its start repeats the end of the segment before (no quiet place was found to cut at)."""
    speech: tuple[SpeechSpan, ...] | None = None
    """Where within it somebody speaks, without padding: in order, apart. None where that is not known."""

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedChannel:
    """One channel, decoded: raw float32 little-endian mono samples at 16 kHz in a spool file."""

    channel: int
    role: Role
    samples_path: Path
    samples: int
    rms_dbfs: float | None
    """Level of the speech before gain; None when there is none."""
    peak: float
    gain_db: float
    """Gain already applied to the spooled samples."""
    speech_s: float
    flags: tuple[str, ...]
    segments: tuple[SpeechSegment, ...]
    non_speech: tuple[NonSpeech, ...] = ()
    same_as_channel: int | None = None
    """Set on the copy of a dual-mono recording: transcribed once, on the other channel."""


ORDERS_FLAG = "orders_in_speech"
"""Flag of a call, its topic and its summary: somebody speaks to whoever sums the call up, which deserves a look."""
ROLES_UNKNOWN = "roles_unknown"
"""Flag of a call of which nobody knows who the agent is."""
VAD_FALLBACK = "vad_fallback_"
"""Prefix of a call's flag where a later-listed voice activity detector served; the detector's name follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedCall:
    """A decoded call. The spool files live until the call is stored."""

    audio_sha256: str
    header: AudioHeader
    duration_s: float
    channels: tuple[PreparedChannel, ...]
    """With the flag `diarised` these are the speakers of one channel, each with its segments of the same samples."""
    flags: tuple[str, ...]
    """Sorted union of header, channel and call flags."""
    timings_s: Mapping[str, float] = field(default_factory=dict)
    """Wall seconds by stage: `hash`, `decode`, `vad`, `doctor`, `diarise`."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """Why a flag is set, in words for a person, by flag: `not_diarised`."""
    diariser: str | None = None
    """The engine that told the speakers apart, of a call with the flag `diarised`."""


# ------------------------------------------------------------------------------------------ transcribed


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word with its place in the recording."""

    text: str
    start_s: float
    end_s: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentText:
    """What the recogniser made of one SpeechSegment; stored as soon as it is finished."""

    channel: int
    ordinal: int
    start_s: float
    end_s: float
    text: str
    language: str | None
    language_probability: float | None = None
    """Of the call's language, where it was heard in the call."""
    words: tuple[Word, ...] | None = None
    confidence: float | None = None
    """Engine's own measure in 0..1, meaning documented per engine; None when the engine gives none."""
    flags: tuple[str, ...] = ()
    overlap_s: float = 0.0


DOUBTFUL = frozenset(
    {"annotation", "context_echo", "loop", "low_confidence", "text_without_speech", "words_per_second", "wrong_script"}
)
"""Flags of chunks whose words may not be what was said. Of a text that was cut short (`truncation`) what is there is
believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptChunk:
    """One stretch of speech of one side, as readers of the tables see it."""

    channel: int
    ordinal: int
    """From 0 within the channel, in time order."""
    role: Role
    start_s: float
    """With `end_s`: what the recogniser was given, padding included."""
    end_s: float
    text: str
    words: tuple[Word, ...] | None = None
    confidence: float | None = None
    language: str | None = None
    flags: tuple[str, ...] = ()
    speech: tuple[SpeechSpan, ...] | None = None
    """Where within it somebody speaks, without padding. None in transcripts of earlier versions."""

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    @property
    def spoken_spans(self) -> tuple[SpeechSpan, ...]:
        """Where somebody speaks; in transcripts of earlier versions the whole chunk."""
        return ((self.start_s, self.end_s),) if self.speech is None else self.speech

    @property
    def doubts(self) -> tuple[str, ...]:
        """The flags for which its words stay out of sentiment, topic and summary."""
        return tuple(flag for flag in self.flags if flag in DOUBTFUL)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineIdentity:
    """Which recogniser made a transcript; part of the transcript fingerprint."""

    engine: str
    model: str
    revision: str | None
    options_hash: str
    rank: int
    """Place in `transcription.engines`, 0 first; a later-listed engine never replaces an earlier one's rows."""
    demonstration: bool
    vocabulary_hash: str = ""
    """Hash of the context terms, for engines that take them. Part of the fingerprint; planning does not compare it."""
    passed_over: tuple[str, ...] = ()
    """Why each earlier-listed engine was not used: `mlx_qwen3: weights not on disk, hub unreachable`."""


@quickly_pickled
@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """All chunks of a call, both channels, in time order."""

    fingerprint: str
    identity: EngineIdentity
    language: str | None
    chunks: tuple[TranscriptChunk, ...]
    flags: tuple[str, ...] = ()
    language_probability: float | None = None
    """0..1, where the recogniser heard the language in the call; None where it was given, or no probability is."""

    @property
    def believed(self) -> tuple[TranscriptChunk, ...]:
        """The chunks without doubts: what sentiment, topic and summary are made from."""
        return tuple(chunk for chunk in self.chunks if not chunk.doubts)


# ---------------------------------------------------------------------------------------------- analysed


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelAudio:
    """Where an analysis step finds a channel's samples: float32 16 kHz mono, raw little-endian."""

    channel: int
    role: Role
    samples_path: Path
    samples: int


@quickly_pickled
@dataclass(frozen=True, slots=True, kw_only=True)
class CallForAnalysis:
    """What an analysis step reads."""

    call_id: str
    audio_sha256: str
    duration_s: float
    metadata: CallMetadata
    transcript: Transcript
    audio: tuple[ChannelAudio, ...]
    """Empty when the audio is not available (only the words changed)."""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What one analysis step says of one call."""

    step: str
    """`text`, `acoustic`, `fusion`, `topic`, `summary`, `conversation`."""
    fingerprint: str
    state: StepState
    payload: object | None
    """A record of `analysis.records`; None unless `state` is done."""
    reason: str | None = None
    """Why there is no value (or only part of one), in words a person reads."""
    provider: str | None = None
    model: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_usd: float | None = None
    latency_s: float | None = None
    services: Mapping[str, str | None] = field(default_factory=dict)
    """Language models that were asked: None for one that answered, else why it did not. For the run's account only."""
    kept: bool = False
    """A stored result that stays because today's was no better; only its `reason` is written."""


# ------------------------------------------------------------------------------------------------- kept


class StoredStep(NamedTuple):
    """What the database knows of one step of one call. A tuple: planning makes seven for every call of the source."""

    step: str
    fingerprint: str
    state: StepState
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCall:
    """What the database knows of a recording, for planning."""

    call_id: str
    source_uri: str
    size_bytes: int
    modified_at: datetime | None
    etag: str | None
    audio_sha256: str | None
    status: CallStatus
    error_transient: bool | None
    """For failed calls: whether another try may help."""
    failed_runs: int
    """Runs in a row in which it failed."""
    error_type: str | None = None
    """For failed and skipped calls: why."""
    transcript_fingerprint: str | None
    engine_rank: int | None
    engine: str | None
    engine_demonstration: bool | None
    engine_model: str | None = None
    engine_revision: str | None = None
    engine_options_hash: str | None = None
    """With engine, model and revision: whether today's settings would transcribe it the same way."""
    steps: Mapping[str, StoredStep] = field(default_factory=dict)
    duration_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOutcome:
    """What the database says became of a recording, for the account at the end of a run."""

    status: CallStatus
    by_this_run: bool
    """This run wrote the row last."""
    failing: bool
    """Its last try failed; results of an earlier try may still be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A call to be done that one worker has, until its lease ends."""

    claim_id: int
    run_id: str
    """The run that planned it."""
    fence: int
    """Grows with every claim in the database. Once another worker has claimed the call, nothing is stored under it."""
    call: Mapping[str, Any]
    """What was planned for it, as JSON values."""
    attempts: int = 1
    """How often it was claimed in this run, this time included, and not given back."""

    priority: int = 0
    """Above 0 it is done before what its worker has in hand."""
    request_id: str | None = None
    """Of the request that handed the call in; None for one that a run has found."""
    traceparent: str | None = None
    """The span of that request."""

    @property
    def origin(self) -> Origin | None:
        place = trace_place(self.traceparent)
        return Origin(self.request_id, place) if self.request_id is not None and place is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimStage:
    """Where a worker is with a call."""

    claim_id: int
    fence: int
    stage: str
    """`fetch`, `prepare`, `recognise`, `analyse` or `store`."""
    share: float | None = None
    """How much of the stage is done, 0..1."""
    audio_s: float | None = None
    """Length of the recording, once it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOutcome:
    """A finished call, written in one transaction."""

    call_id: str
    found: FoundCall
    status: CallStatus
    run_id: str
    prepared: PreparedCall | None
    """None when only analysis was redone: the audio columns stay as they are."""
    transcript: Transcript | None
    steps: tuple[StepResult, ...]
    """Only the steps run now; the others stay as they are."""
    timings_s: Mapping[str, float] = field(default_factory=dict)
    claim: Claim | None = None
    """Under which it was worked on: stored only while it holds. None for a call that was not claimed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFailure:
    """A call that could not be finished."""

    found: FoundCall
    run_id: str
    stage: str
    error_type: str
    message: str
    transient: bool
    traceback: str | None = None
    claim: Claim | None = None
    """Under which it was worked on: stored only while it holds."""
