"""The analysis steps `text`, `acoustic` and `fusion`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from analysis.encoder.vectors import WITHOUT, EncoderChoice
from analysis.records import CallSentiment, ChunkSentiment
from analysis.results import failed, missing
from analysis.sentiment.acoustic import AcousticSentiment, build_acoustic, open_samples
from analysis.sentiment.fusion import build_fusion
from analysis.sentiment.lines import SpokenLine, lines_of, without_marks
from analysis.sentiment.step_results import call_result, chunk_sentiment, mood_key, step_hash
from analysis.sentiment.text import TextSentiment, build_text_engines, had_another_name
from pipeline.config.areas.sentiment import SentimentSettings, TextSentimentSettings
from pipeline.ports import AnalysisStep, knows_former_results
from pipeline.records import CallForAnalysis, Role, StepResult, StepState, TranscriptChunk


def build_sentiment_steps(settings: SentimentSettings, encoder: EncoderChoice = WITHOUT) -> list[AnalysisStep]:
    """The three steps, in the order in which they read each other.

    Raises ModelUnavailable, UntrustedModel or ConfigurationError when a configured model folder cannot be used.
    """
    text = TextSentimentStep(settings, build_text_engines(settings, encoder))
    acoustic = AcousticSentimentStep(settings)
    return [text, acoustic, FusionStep(settings, text, acoustic)]


# ------------------------------------------------------------------------------------------------ text


class TextSentimentStep:
    """Sentiment from the words of each chunk."""

    name = "text"
    needs_audio = False
    after: tuple[str, ...] = ()

    def __init__(self, settings: SentimentSettings, engines: Mapping[Role, TextSentiment] | None = None) -> None:
        self._settings = settings
        self._mood = mood_key(settings.call)
        self._engines = build_text_engines(settings) if engines is None else engines

    def fingerprint(self, call: CallForAnalysis) -> str:
        return self._hash(call, self._named)

    def former_fingerprints(self, call: CallForAnalysis) -> tuple[str, ...]:
        """See `pipeline.ports.KnowsFormerResults`."""
        return (self._hash(call, self._named_before),)

    @cached_property
    def _named(self) -> str:
        return _joined({role: engine.identity() for role, engine in self._engines.items()})

    @cached_property
    def _named_before(self) -> str:
        return _joined(
            {
                role: engine.former_identity() if had_another_name(engine) else engine.identity()
                for role, engine in self._engines.items()
            }
        )

    def _hash(self, call: CallForAnalysis, engines: str) -> str:
        text = self._settings.text
        return step_hash(
            self.name,
            call.transcript.fingerprint,
            call.metadata.language,
            engines,
            text.min_characters,
            text.language_if_unknown,
            self._mood,
        )

    def run(
        self,
        calls: Sequence[CallForAnalysis],
        earlier: Sequence[Mapping[str, StepResult]],  # noqa: ARG002 - part of the Protocol
    ) -> Sequence[StepResult]:
        if not self._engines:
            return [
                missing(self.name, self.fingerprint(call), "switched off (sentiment.text.engine: off)")
                for call in calls
            ]
        found: dict[tuple[int, int], ChunkSentiment] = {}
        waiting: dict[Role, list[tuple[int, int, SpokenLine]]] = {}
        for number, call in enumerate(calls):
            lines = lines_of(call.transcript.chunks)
            for index, chunk in enumerate(call.transcript.chunks):
                reason = self._reason_against(call, chunk)
                if reason is None:
                    waiting.setdefault(chunk.role, []).append((number, index, lines[index]))
                else:
                    found[number, index] = chunk_sentiment(chunk, None, reason)
        for role, asked in waiting.items():
            sentiments = self._engines[role].predict([line for _, _, line in asked])
            for (number, index, _), sentiment in zip(asked, sentiments, strict=True):
                found[number, index] = chunk_sentiment(calls[number].transcript.chunks[index], sentiment)
        client = self._engines[Role.CLIENT]
        return [
            call_result(
                self,
                call,
                [found[number, index] for index in range(len(call.transcript.chunks))],
                self._settings.call,
                provider=client.name,
                model=client.model,
                note=client.note,
            )
            for number, call in enumerate(calls)
        ]

    def _reason_against(self, call: CallForAnalysis, chunk: TranscriptChunk) -> str | None:
        text: TextSentimentSettings = self._settings.text
        if chunk.text.strip() and chunk.doubts:
            return f"the words are doubtful ({', '.join(chunk.doubts)})"
        said = without_marks(chunk.text)
        if sum(character.isalnum() for character in said) < text.min_characters:
            return "too few words" if said else "no words"
        known = self._engines[chunk.role].languages
        if known is None:
            return None
        spoken = chunk.language or call.transcript.language or call.metadata.language or text.language_if_unknown
        if spoken is None:
            return f"language unknown; {self._engines[chunk.role].name} knows {', '.join(sorted(known))}"
        code = spoken.strip().lower().replace("_", "-").split("-")[0]
        if code in known or (code == "english" and "en" in known):
            return None
        return f"language {code}: {self._engines[chunk.role].name} knows {', '.join(sorted(known))} only"

    def close(self) -> None:
        for engine in self._engines.values():
            engine.close()


def _joined(identities: Mapping[Role, str]) -> str:
    return "|".join(f"{role}={identity}" for role, identity in sorted(identities.items()))


# -------------------------------------------------------------------------------------------- acoustic


class AcousticSentimentStep:
    """Sentiment from the voice of each chunk."""

    name = "acoustic"
    needs_audio = True
    after: tuple[str, ...] = ()

    def __init__(self, settings: SentimentSettings, engine: AcousticSentiment | None = None) -> None:
        self._settings = settings
        self._mood = mood_key(settings.call)
        self._engine = build_acoustic(settings) if engine is None else engine

    def fingerprint(self, call: CallForAnalysis) -> str:
        engine = self._engine.identity() if self._engine else "off"
        return step_hash(self.name, call.audio_sha256, call.transcript.fingerprint, engine, self._mood)

    def run(
        self,
        calls: Sequence[CallForAnalysis],
        earlier: Sequence[Mapping[str, StepResult]],  # noqa: ARG002 - part of the Protocol
    ) -> Sequence[StepResult]:
        return [self._of_call(call) for call in calls]

    def _of_call(self, call: CallForAnalysis) -> StepResult:
        if self._engine is None:
            return missing(self.name, self.fingerprint(call), "switched off (sentiment.acoustic.engine: off)")
        chunks = call.transcript.chunks
        found: dict[int, ChunkSentiment] = {}
        audio = {channel.channel: channel for channel in call.audio}
        broken = False
        for channel in sorted({chunk.channel for chunk in chunks}):
            indices = [index for index, chunk in enumerate(chunks) if chunk.channel == channel]
            samples = open_samples(audio[channel]) if channel in audio else "audio of this channel is not at hand"
            if isinstance(samples, str):
                broken = True
                found.update({index: chunk_sentiment(chunks[index], None, samples) for index in indices})
                continue
            spans = [(chunks[index].start_s, chunks[index].end_s) for index in indices]
            heard = self._engine.channel(samples, spans, chunks[indices[0]].role)
            for index, (sentiment, reason) in zip(indices, heard, strict=True):
                found[index] = chunk_sentiment(chunks[index], sentiment, reason)
        in_order = [found[index] for index in range(len(chunks))]
        mood, model = self._settings.call, self._engine.model
        return call_result(self, call, in_order, mood, provider="sklearn", model=model, broken=broken)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()


# ---------------------------------------------------------------------------------------------- fusion


class FusionStep:
    """Words and voice joined; where one side is missing the other stands alone, and the reason says so."""

    name = "fusion"
    needs_audio = False
    after: tuple[str, ...] = ("text", "acoustic")

    def __init__(self, settings: SentimentSettings, text: AnalysisStep, acoustic: AnalysisStep) -> None:
        self._settings = settings
        self._mood = mood_key(settings.call)
        self._sides = (text, acoustic)
        self._fusion = build_fusion(settings)

    def fingerprint(self, call: CallForAnalysis) -> str:
        return self._hash([side.fingerprint(call) for side in self._sides])

    def former_fingerprints(self, call: CallForAnalysis) -> tuple[str, ...]:
        """See `pipeline.ports.KnowsFormerResults`."""
        sides = [
            side.former_fingerprints(call)[0] if knows_former_results(side) else side.fingerprint(call)
            for side in self._sides
        ]
        return (self._hash(sides),)

    def _hash(self, sides: Sequence[str]) -> str:
        method = self._fusion.identity() if self._fusion else "off"
        return step_hash(self.name, *sides, method, self._mood)

    def run(
        self, calls: Sequence[CallForAnalysis], earlier: Sequence[Mapping[str, StepResult]]
    ) -> Sequence[StepResult]:
        return [self._of_call(call, results) for call, results in zip(calls, earlier, strict=True)]

    def _of_call(self, call: CallForAnalysis, results: Mapping[str, StepResult]) -> StepResult:
        fingerprint = self.fingerprint(call)
        if self._fusion is None:
            return missing(self.name, fingerprint, "switched off (sentiment.fusion.method: off)")
        text, acoustic = (_by_chunk(results.get(side.name)) for side in self._sides)
        if not text and not acoustic:
            sides = {side.name: results.get(side.name) for side in self._sides}
            why = "; ".join(
                f"{name}: {(result.reason or 'no value') if result else 'not run'}" for name, result in sides.items()
            )
            broken = any(result is not None and result.state is StepState.FAILED for result in sides.values())
            return (failed if broken else missing)(self.name, fingerprint, f"neither side has a value ({why})")
        fused = [
            self._fuse(chunk, text.get((chunk.channel, chunk.ordinal)), acoustic.get((chunk.channel, chunk.ordinal)))
            for chunk in call.transcript.chunks
        ]
        notes, mood = _role_notes(call.transcript.chunks, fused), self._settings.call
        return call_result(self, call, fused, mood, provider="fusion", model=self._fusion.name, role_reasons=notes)

    def _fuse(
        self, chunk: TranscriptChunk, text: ChunkSentiment | None, acoustic: ChunkSentiment | None
    ) -> ChunkSentiment:
        assert self._fusion is not None
        words = text.sentiment if text else None
        voice = acoustic.sentiment if acoustic else None
        if words is not None and voice is not None:
            return chunk_sentiment(chunk, self._fusion.join(words, voice, chunk.role))
        if words is not None:
            return chunk_sentiment(chunk, words, f"words alone; voice: {_reason(acoustic)}")
        if voice is not None:
            return chunk_sentiment(chunk, voice, f"voice alone; words: {_reason(text)}")
        return chunk_sentiment(chunk, None, f"words: {_reason(text)}; voice: {_reason(acoustic)}")

    def close(self) -> None:
        if self._fusion is not None:
            self._fusion.close()


def _by_chunk(result: StepResult | None) -> dict[tuple[int, int], ChunkSentiment]:
    if result is None or not isinstance(result.payload, CallSentiment):
        return {}
    return {(chunk.channel, chunk.ordinal): chunk for chunk in result.payload.chunks}


def _reason(side: ChunkSentiment | None) -> str:
    return side.reason if side is not None and side.reason else "no value"


def _role_notes(chunks: Sequence[TranscriptChunk], fused: Sequence[ChunkSentiment]) -> dict[Role, str]:
    """For each role in which one side stood alone somewhere: how often."""
    notes: dict[Role, str] = {}
    for role in Role:
        values = [value for chunk, value in zip(chunks, fused, strict=True) if chunk.role is role and value.sentiment]
        words = sum((value.reason or "").startswith("words alone") for value in values)
        voice = sum((value.reason or "").startswith("voice alone") for value in values)
        parts = [
            f"{side} alone in {count} of {len(values)} chunks"
            for side, count in (("words", words), ("voice", voice))
            if count
        ]
        if parts:
            notes[role] = ", ".join(parts)
    return notes
