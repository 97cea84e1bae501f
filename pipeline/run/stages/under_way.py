"""A call some of whose segments are with the recogniser."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from pipeline.errors import (
    MemoryExhausted,
    RecognitionFailed,
    ServiceUnavailable,
    StageTimeout,
    TransientError,
    WorkerCrashed,
)
from pipeline.records import EngineIdentity, SegmentText, SpeechSegment
from pipeline.run.recogniser_child import SegmentTask
from pipeline.run.stages.work import Work
from pipeline.transcription.engine import OUT_OF_MEMORY, SERVICE_UNAVAILABLE, SegmentPlace, SegmentResult


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


def segment_tasks(work: Work, have: Collection[tuple[int, int]]) -> Iterator[tuple[SpeechSegment, SegmentTask]]:
    """The segments of a prepared call that are not in `have` (channel, ordinal), as the recogniser is given them."""
    assert work.prepared is not None
    found = work.planned.found
    for channel in work.prepared.channels:
        if channel.same_as_channel is not None:
            continue
        for segment in channel.segments:
            if (segment.channel, segment.ordinal) in have:
                continue
            yield (
                segment,
                SegmentTask(
                    key=f"{work.call_id}/{segment.channel}/{segment.ordinal}",
                    samples_path=channel.samples_path.resolve(),
                    start_s=segment.start_s,
                    end_s=segment.end_s,
                    language=found.metadata.language,
                    place=SegmentPlace(
                        audio_sha256=work.prepared.audio_sha256,
                        file_name=found.file_name,
                        channel=segment.channel,
                        start_s=segment.start_s,
                    ),
                ),
            )
