"""A call some of whose segments are with the recogniser."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from pipeline.records import EngineIdentity, SegmentText, SpeechSegment
from pipeline.run.recogniser_child import SegmentTask
from pipeline.run.stages.work import Work
from pipeline.transcription.engine import SegmentPlace


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
    errors: list[str] = field(default_factory=list)
    another_time: str | None = None
    """Why the call is to be left for a later run."""
    no_service: bool = False
    """That is because an outside service does not serve."""


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
