"""The recogniser as it lives in its process: the chosen engine behind the trust gates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.errors import EarshotError, ModelUnavailable
from pipeline.purse import SharedPurse
from pipeline.records import EngineIdentity
from pipeline.transcription.engine import (
    CallSpeech,
    EngineDescription,
    HeardLanguage,
    HearsLanguage,
    SegmentRequest,
    SegmentResult,
    Transcriber,
)
from pipeline.transcription.engines.catalogue import ENGINES, Builder, choose_engine
from pipeline.transcription.engines.meter import Meter, Metered
from pipeline.transcription.gated import GatedTranscriber
from pipeline.transcription.text.vocabulary import context_text

_CALLS_REMEMBERED = 256
"""Calls whose language is kept: more than are under way at once."""


def build_recogniser(
    settings: TranscriptionSettings,
    vocabulary: Sequence[str] = (),
    skip: Mapping[str, str] | None = None,
    purse: SharedPurse | None = None,
) -> GatedRecogniser:
    """What a spawned process is given to build: an importable function with picklable arguments."""
    return GatedRecogniser(settings, vocabulary, skip=skip, purse=purse)


class GatedRecogniser:
    """Chooses and loads an engine; transcribes through the trust gates.

    Args:
        vocabulary: terms for every segment without a context of its own, for engines that take them.
        skip: engines not to try, with the reason.
        purse: what the run has spent on transcription services; None for one of this object.
    """

    def __init__(
        self,
        settings: TranscriptionSettings,
        vocabulary: Sequence[str] = (),
        *,
        skip: Mapping[str, str] | None = None,
        builders: Mapping[str, Builder] = ENGINES,
        purse: SharedPurse | None = None,
    ) -> None:
        self._settings = settings
        self._purse = purse or SharedPurse()
        self._vocabulary = tuple(vocabulary)
        self._context = ""
        self._skip = skip
        self._builders = builders
        self._engine: Transcriber | None = None
        self._gated: GatedTranscriber | None = None
        self._description: EngineDescription | None = None
        self._heard: dict[str, HeardLanguage | None] = {}

    def load(self) -> tuple[EngineDescription, EngineIdentity]:
        """Raises ModelUnavailable when no engine loads."""
        engine, description, identity = choose_engine(self._settings, skip=self._skip, builders=self._builders)
        self._engine, self._description = engine, description
        self._heard.clear()
        self._check_languages(description)
        if isinstance(engine, Metered):
            engine.meter = Meter(self._settings.price(description.engine), self._settings.max_cost_usd, self._purse)
        if description.takes_context:
            limits = self._settings.max_context_chars, description.max_context_terms
            self._context = context_text(self._vocabulary, *limits)
        self._gated = GatedTranscriber(engine, description, self._settings.trust_gates)
        return description, identity

    def _check_languages(self, description: EngineDescription) -> None:
        named, known = self._settings.languages, description.languages
        if named is not None and known is not None and known.isdisjoint(named):
            raise ModelUnavailable(
                f"{description.engine}, {description.model} knows none of the languages {', '.join(named)}; correct "
                "transcription.languages, or choose a model that knows them"
            )

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]:
        """Results as they are finished; requests are pulled only when the engine asks for them."""
        if self._gated is None:
            raise EarshotError("GatedRecogniser.transcribe: call load() first")
        return self._gated.transcribe(map(self._prepared, requests))

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
        self._engine = self._gated = None

    def _prepared(self, request: SegmentRequest) -> SegmentRequest:
        assert self._description is not None
        context = (request.context or self._context) if self._description.takes_context else ""
        language = request.language or self._settings.language
        heard = self._language_of(request.call) if language is None and request.call is not None else None
        call = request.call if self._settings.language_per == "call" else None
        spoken = heard.code if heard else language
        among = self._settings.languages or ()
        return replace(request, language=spoken, languages=among, heard=heard, context=context, call=call)

    def _language_of(self, call: CallSpeech) -> HeardLanguage | None:
        """Decided once for a call, from its speech alone, so that it does not depend on what was decoded before."""
        if self._settings.language_per == "segment" or not isinstance(self._engine, HearsLanguage):
            return None
        if call.call_id not in self._heard:
            if len(self._heard) >= _CALLS_REMEMBERED:
                del self._heard[next(iter(self._heard))]
            try:
                self._heard[call.call_id] = self._engine.hear_language(call.read(), self._settings.languages or ())
            except (RuntimeError, MemoryError):
                self._heard[call.call_id] = None  # each segment then says itself what it lacks
        return self._heard[call.call_id]
