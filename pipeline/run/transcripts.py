"""What a run needs of `pipeline.transcription`: the recogniser's process, today's recipe, transcripts."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.audio.decoding.ingest import SEVERAL_TRACKS
from pipeline.config.root import Settings
from pipeline.diarisation.calls import DIARISED
from pipeline.diarisation.phrases import read_phrases
from pipeline.diarisation.speakers import guess_of, roles_in_use, speakers_result, told_by_words
from pipeline.errors import described
from pipeline.overheard.compare import Speech, Told, tell_apart
from pipeline.overheard.hearing import SpooledChannels
from pipeline.overheard.taken_out import SIDE_UNCERTAIN
from pipeline.purse import SharedPurse
from pipeline.records import (
    VAD_FALLBACK,
    Direction,
    EngineIdentity,
    FoundCall,
    PreparedCall,
    Role,
    SegmentText,
    StepResult,
    Transcript,
    TranscriptChunk,
)
from pipeline.run.planning.recipes import diarisation, preparation, recipe_hash
from pipeline.run.spool_folder import spent_file
from pipeline.transcription.chunks import channel_chunks, main_language, merge_channels
from pipeline.transcription.engine import EngineDescription, SegmentRequest, SegmentResult
from pipeline.transcription.fingerprint import digest, transcript_fingerprint
from pipeline.transcription.text.rules import TextRules
from pipeline.transcription.text.vocabulary import context_terms, context_text

logger = logging.getLogger(__name__)


class RunRecogniser:
    """The gated recogniser, with identities as a run compares them. Lives in the spawned process."""

    def __init__(self, settings: Settings, vocabulary: Sequence[str], skip: Mapping[str, str] | None = None) -> None:
        from pipeline.transcription.recogniser import build_recogniser

        self._settings = settings
        self._vocabulary = vocabulary
        self._inner = build_recogniser(settings.transcription, vocabulary, skip, _purse(settings))

    def load(self) -> tuple[EngineDescription, EngineIdentity]:
        description, identity = self._inner.load()
        return description, replace(
            identity,
            options_hash=recipe_hash(self._settings, identity.engine),
            vocabulary_hash=digest(self._given(description)) if description.takes_context else "",
        )

    def _given(self, description: EngineDescription) -> list[str]:
        """The terms the engine is given: as many as fit."""
        most_chars = self._settings.transcription.max_context_chars
        return list(context_terms(context_text(self._vocabulary, most_chars, description.max_context_terms)))

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]:
        return self._inner.transcribe(requests)


def _purse(settings: Settings) -> SharedPurse | None:
    """The run's, in its own spool; None outside a run's recogniser process."""
    run = multiprocessing.parent_process()
    return None if run is None or run.pid is None else SharedPurse(spent_file(settings.run.spool_dir, run.pid))


def build_recogniser_process(
    settings: Settings, vocabulary: Sequence[str], skip: Mapping[str, str] | None = None
) -> RunRecogniser:
    """Runs in the spawned process. `skip`: engines not to try, with the reason."""
    return RunRecogniser(settings, vocabulary, skip)


class Transcripts:
    """Keys and assembly of transcripts under one configuration."""

    def __init__(self, settings: Settings, finish: Callable[[Transcript], Transcript] | None = None) -> None:
        """`finish`: applied to every transcript before it is stored or analysed, as redaction is."""
        self._finish = finish
        self._settings = settings
        self._preparations: dict[str | None, dict[str, Any]] = {}
        self._diarisation = settings.diarisation
        if settings.diarisation.roles.phrases_file is not None:
            read_phrases(settings.diarisation.roles.phrases_file)
        self._of_diarised: dict[str | None, dict[str, Any]] = {}
        self._rules = TextRules(settings.transcription.text_rules)

    def fingerprint(self, found: FoundCall, prepared: PreparedCall, identity: EngineIdentity) -> str:
        """Key of the transcript this recogniser makes of this call.

        Diarisation is part of it only for calls whose roles the words tell: switching it on leaves all others as they
        are.
        """
        made_by = self._preparation(prepared.flags)
        if SEVERAL_TRACKS in prepared.flags:
            made_by |= {"tracks": "all"}  # earlier versions heard the first one alone
        if told_by_words(prepared):
            made_by |= {"diarisation": self._diarised(prepared.diariser), "direction": str(found.metadata.direction)}
        return transcript_fingerprint(
            audio_sha256=prepared.audio_sha256,
            channel_roles=[channel.role for channel in prepared.channels],
            preparation=made_by,
            identity=identity,
            context=identity.vocabulary_hash,
            language=found.metadata.language,
        )

    def _diarised(self, diariser: str | None) -> dict[str, Any]:
        if diariser not in self._of_diarised:
            self._of_diarised[diariser] = diarisation(self._settings, diariser)
        return self._of_diarised[diariser]

    def _preparation(self, flags: Collection[str]) -> dict[str, Any]:
        """The preparation by the settings of the voice activity detector that served."""
        fallback = next((flag for flag in sorted(flags) if flag.startswith(VAD_FALLBACK)), None)
        if fallback not in self._preparations:
            detector = None if fallback is None else fallback.removeprefix(VAD_FALLBACK)
            self._preparations[fallback] = preparation(self._settings, detector)
        return dict(self._preparations[fallback])

    def assemble(
        self,
        prepared: PreparedCall,
        fingerprint: str,
        identity: EngineIdentity,
        segments: Sequence[SegmentText],
        direction: Direction | None = None,
    ) -> Transcript:
        """All channels' segments as chunks on one clock; where the channels tell no roles, the words do."""
        speech = {
            (channel.channel, segment.ordinal): segment.speech
            for channel in prepared.channels
            for segment in channel.segments
        }
        told = self._told_apart(prepared, segments, speech)
        by_channel: dict[int, list[SegmentText]] = {}
        for segment in told.segments:
            by_channel.setdefault(segment.channel, []).append(segment)
        roles: Mapping[int, Role] = {channel.channel: channel.role for channel in prepared.channels}
        chunks: list[tuple[TranscriptChunk, ...]] = [
            _whose(channel_chunks(of_channel, roles[channel], self._rules.shown, told.speech))
            for channel, of_channel in sorted(by_channel.items())
        ]
        merged = merge_channels(chunks)
        flags = sorted({flag for chunk in merged for flag in chunk.flags})
        transcript = Transcript(
            fingerprint=fingerprint,
            identity=identity,
            language=main_language(merged),
            language_probability=next(
                (s.language_probability for s in segments if s.language_probability is not None), None
            ),
            chunks=merged,
            flags=tuple(flags),
        )
        transcript = self._finish(transcript) if self._finish else transcript
        return self._with_roles(transcript, direction) if told_by_words(prepared) else transcript

    def _told_apart(self, prepared: PreparedCall, segments: Sequence[SegmentText], speech: Speech) -> Told:
        """Words that a channel only overheard, taken out; as they are where the channels are no two recordings."""
        crosstalk = self._settings.audio.crosstalk
        if not (crosstalk.enabled and crosstalk.compare_words) or DIARISED in prepared.flags:
            return Told(tuple(segments), speech)
        try:
            return tell_apart(segments, speech, SpooledChannels(prepared))
        except OSError as error:
            # The recording is transcribed all the same; a copy is better than a hole.
            logger.warning("the words of the channels could not be compared: %s", described(error))
            return Told(tuple(segments), speech)

    def _with_roles(self, transcript: Transcript, direction: Direction | None) -> Transcript:
        roles = roles_in_use(guess_of(transcript.chunks, self._diarisation, direction), self._diarisation)
        chunks = _whose([replace(chunk, role=roles[chunk.channel]) for chunk in transcript.chunks])
        return replace(transcript, chunks=chunks)

    def speakers(
        self, prepared: PreparedCall, transcript: Transcript, direction: Direction | None = None
    ) -> StepResult | None:
        """What to record about the speakers; None for calls whose channels have roles."""
        return speakers_result(prepared, transcript.chunks, self._diarisation, direction)


def _whose(chunks: Sequence[TranscriptChunk]) -> tuple[TranscriptChunk, ...]:
    """Words that both channels have alike are nobody's in particular."""
    return tuple(replace(chunk, role=Role.UNKNOWN) if SIDE_UNCERTAIN in chunk.flags else chunk for chunk in chunks)
