"""From the recogniser's answers to what is told of a call: turns with role and mood, partial turns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pipeline.live.call import LiveCall
from pipeline.live.events import Partial, Turn
from pipeline.live.ports import Moods, Shown
from pipeline.live.recogniser import TurnToHear
from pipeline.live.track import Utterance
from pipeline.records import SpeechSegment, TranscriptChunk
from pipeline.run.processes.recogniser_child import SegmentTask, WindowTask
from pipeline.transcription.chunks import ShownText, channel_chunks, segment_text
from pipeline.transcription.engine import SegmentPlace, SegmentResult

_ANSWERED_TURNS = 6
"""How many turns before one are looked at for what it answers."""


def hearing_of(call: LiveCall, utterance: Utterance, answer: Callable[[SegmentResult], None]) -> TurnToHear:
    """A turn of a call as the recogniser is given it."""
    segment = utterance.segment
    key = f"{call.session}/{segment.channel}/{segment.ordinal}"
    task = SegmentTask(
        key=key if utterance.final else f"{key}/{segment.end_s:.2f}",
        samples_path=call.tracks[segment.channel].path.resolve(),
        start_s=segment.start_s,
        end_s=segment.end_s,
        language=call.header.start.metadata.language,
        place=SegmentPlace(
            audio_sha256="",
            file_name=call.header.file_name,
            channel=segment.channel,
            start_s=segment.start_s,
        ),
    )
    return TurnToHear(
        task=WindowTask((task,), call_id=call.session),
        final=utterance.final,
        length_s=segment.duration_s,
        answer=answer,
    )


class TurnMaker:
    """Used from one thread. `shown`: what may be stored and told of a turn; None: all of it."""

    def __init__(self, rules: ShownText, moods: Moods, shown: Shown | None = None) -> None:
        self._rules = rules
        self._moods = moods
        self._shown = shown

    def final(self, call: LiveCall, segment: SpeechSegment, result: SegmentResult) -> Turn:
        """The turn, added to the call's chunks where it has words or says why not."""
        chunk = self._chunk(call, segment, result)
        turn = Turn(
            track=segment.channel,
            ordinal=segment.ordinal,
            role=call.header.start.roles[segment.channel],
            start_s=segment.start_s,
            end_s=segment.end_s,
            text="",
        )
        if chunk is None:
            return turn
        latest = sorted(call.chunks, key=lambda other: other.start_s)[-_ANSWERED_TURNS:]
        mood = self._moods.mood_of([*latest, chunk], call.header.start.metadata)
        call.chunks.append(chunk)
        return replace(
            turn,
            text=chunk.text,
            language=chunk.language,
            confidence=chunk.confidence,
            flags=chunk.flags,
            mood=mood,
        )

    def partial(self, call: LiveCall, segment: SpeechSegment, result: SegmentResult) -> Partial | None:
        """None where nothing was understood, or the turn has ended meanwhile."""
        if result.error is not None or segment.ordinal <= call.told.get(segment.channel, -1):
            return None
        chunk = self._chunk(call, segment, result)
        if chunk is None or not chunk.text:
            return None
        return Partial(
            track=segment.channel,
            ordinal=segment.ordinal,
            role=chunk.role,
            start_s=segment.start_s,
            end_s=segment.end_s,
            text=chunk.text,
        )

    def _chunk(self, call: LiveCall, segment: SpeechSegment, result: SegmentResult) -> TranscriptChunk | None:
        role = call.header.start.roles[segment.channel]
        chunks = channel_chunks([segment_text(segment, result)], role, self._rules)
        if not chunks:
            return None
        chunk = replace(chunks[0], ordinal=segment.ordinal, speech=segment.speech)
        return chunk if self._shown is None else self._shown(chunk)
