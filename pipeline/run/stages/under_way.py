"""A call some of whose segments are with the recogniser."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.errors import (
    MemoryExhausted,
    RecognitionFailed,
    ServiceUnavailable,
    StageTimeout,
    TransientError,
    WorkerCrashed,
)
from pipeline.records import EngineIdentity, FoundCall, PreparedCall, SegmentText, SpeechSegment
from pipeline.run.processes.recogniser_child import SegmentTask, WindowTask
from pipeline.run.stages.work import Work
from pipeline.transcription.engine import (
    CLEAREST_S,
    OUT_OF_MEMORY,
    SERVICE_UNAVAILABLE,
    SegmentPlace,
    SegmentResult,
)
from pipeline.transcription.windows import joined_s, margins, plan_windows


@dataclass(slots=True)
class UnderWay:
    """A call some of whose segments are with the recogniser."""

    work: Work
    fingerprint: str
    identity: EngineIdentity
    segments: dict[str, SpeechSegment]
    """Outstanding, by key."""
    finished: list[SegmentText]
    began_s: float
    speech_s: float = 0.0
    """Of all its segments."""
    left_s: float = 0.0
    """Of those outstanding."""
    failed: list[SegmentResult] = field(default_factory=list)
    """Results of the segments that could not be recognised."""

    def fault(self) -> TransientError | None:
        """Why no transcript is made: nothing was recognised, or a later run may well recognise the missing part."""
        if self.failed and len(self.failed) == len(self.finished):
            flags = {flag for result in self.failed for flag in result.flags}
            kind = next((_FAULTS[flag] for flag in _FAULTS if flag in flags), RecognitionFailed)
            return kind(f"no segment could be recognised: {self.failed[0].error}")
        for result in self.failed:
            if _ANOTHER_TIME.intersection(result.flags):
                return RecognitionFailed(f"not all of it could be recognised: {result.error}")
        return None

    @property
    def unserved(self) -> str | None:
        """The error of an outside service that could not serve; None when there is none."""
        return next((result.error for result in self.failed if SERVICE_UNAVAILABLE in result.flags), None)


_FAULTS: Mapping[str, type[TransientError]] = {
    "recogniser_crash": WorkerCrashed,
    "recogniser_timeout": StageTimeout,
    SERVICE_UNAVAILABLE: ServiceUnavailable,
    OUT_OF_MEMORY: MemoryExhausted,
}
_ANOTHER_TIME = frozenset({OUT_OF_MEMORY, SERVICE_UNAVAILABLE})
"""Flags of segments that may well be recognised in a later run: no transcript is made with a hole in their place."""


def windows_to_do(
    prepared: PreparedCall, have: Collection[tuple[int, int]], window_s: float | None
) -> list[tuple[SpeechSegment, ...]]:
    """The windows of a call in which a segment is not in `have` (channel, ordinal).

    Windows are planned over all segments and decoded whole, so that what a killed run had finished changes no text.
    """
    return [
        window
        for channel in prepared.channels
        if channel.same_as_channel is None
        for window in plan_windows(channel.segments, window_s)
        if any((segment.channel, segment.ordinal) not in have for segment in window)
    ]


def segment_key(call_id: str, segment: SpeechSegment) -> str:
    return f"{call_id}/{segment.channel}/{segment.ordinal}"


def window_task(
    call_id: str, found: FoundCall, prepared: PreparedCall, window: Sequence[SpeechSegment], longest_s: float | None
) -> WindowTask:
    """A window of a prepared call, as the recogniser is given it.

    Args:
        longest_s: the longest input of an engine that takes windows; None for one that takes segments, which are then
            heard without the sound around them. So are those of speakers on one channel: it holds the other's words.
    """
    channels = {channel.channel: channel for channel in prepared.channels}
    own = channels[window[0].channel]
    around = [(0.0, 0.0)] * len(window)
    if longest_s is not None and "diarised" not in prepared.flags:
        around = margins(window, own.segments, longest_s)
    return WindowTask(
        tuple(
            SegmentTask(
                key=segment_key(call_id, segment),
                samples_path=own.samples_path.resolve(),
                start_s=segment.start_s,
                end_s=segment.end_s,
                language=found.metadata.language,
                place=SegmentPlace(
                    audio_sha256=prepared.audio_sha256,
                    file_name=found.file_name,
                    channel=segment.channel,
                    start_s=segment.start_s,
                ),
                before_s=before_s,
                after_s=after_s,
            )
            for segment, (before_s, after_s) in zip(window, around, strict=True)
        ),
        call_id=call_id,
        clearest=() if found.metadata.language else clearest_speech(prepared),
        longest_s=max((joined_s(channel.segments) for channel in prepared.channels), default=0.0),
    )


def clearest_speech(prepared: PreparedCall) -> tuple[SegmentTask, ...]:
    """Where to hear a call's language: the longest segments, in equal shares of the channels that have any.

    Long stretches are what a recogniser tells a language by; greetings and answers of one word are the same in many.
    """
    channels = [channel for channel in prepared.channels if channel.segments and channel.same_as_channel is None]
    chosen: list[SegmentTask] = []
    for channel in channels:
        left_s = CLEAREST_S / len(channels)
        for segment in sorted(channel.segments, key=lambda segment: (-segment.duration_s, segment.start_s)):
            end_s = min(segment.end_s, segment.start_s + left_s)
            key = f"{channel.channel}/{segment.ordinal}"
            path = channel.samples_path.resolve()
            chosen.append(SegmentTask(key=key, samples_path=path, start_s=segment.start_s, end_s=end_s, language=None))
            left_s -= end_s - segment.start_s
            if left_s <= 0:
                break
    return tuple(chosen)
