"""The recogniser as it lives in its process: the chosen engine behind the trust gates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.errors import EarshotError
from pipeline.records import EngineIdentity
from pipeline.transcription.engine import EngineDescription, SegmentRequest, SegmentResult, Transcriber
from pipeline.transcription.engines.catalogue import ENGINES, Builder, choose_engine
from pipeline.transcription.gated import GatedTranscriber
from pipeline.transcription.text.vocabulary import context_text


def build_recogniser(
    settings: TranscriptionSettings, vocabulary: Sequence[str] = (), skip: Mapping[str, str] | None = None
) -> GatedRecogniser:
    """What a spawned process is given to build: an importable function with picklable arguments."""
    return GatedRecogniser(settings, vocabulary, skip=skip)


class GatedRecogniser:
    """Chooses and loads an engine; transcribes through the trust gates.

    Args:
        vocabulary: terms for every segment without a context of its own, for engines that take them.
        skip: engines not to try, with the reason.
    """

    def __init__(
        self,
        settings: TranscriptionSettings,
        vocabulary: Sequence[str] = (),
        *,
        skip: Mapping[str, str] | None = None,
        builders: Mapping[str, Builder] = ENGINES,
    ) -> None:
        self._settings = settings
        self._context = context_text(vocabulary, settings.max_context_chars)
        self._skip = skip
        self._builders = builders
        self._engine: Transcriber | None = None
        self._gated: GatedTranscriber | None = None
        self._description: EngineDescription | None = None

    def load(self) -> tuple[EngineDescription, EngineIdentity]:
        """Raises ModelUnavailable when no engine loads."""
        engine, description, identity = choose_engine(self._settings, skip=self._skip, builders=self._builders)
        self._engine, self._description = engine, description
        self._gated = GatedTranscriber(engine, description, self._settings.trust_gates)
        return description, identity

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
        return replace(request, language=request.language or self._settings.language, context=context)
