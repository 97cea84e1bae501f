"""The table of recognisers, and the choice among them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.errors import ModelTooSlow, ModelUnavailable
from pipeline.records import EngineIdentity
from pipeline.transcription.engine import EngineDescription, Transcriber
from pipeline.weights.hub import Hub, short

logger = logging.getLogger(__name__)

Builder = Callable[[TranscriptionSettings, Hub], Transcriber]
"""Builds an engine that has loaded nothing yet. Heavy imports wait for `load`."""


def _mlx_qwen3(settings: TranscriptionSettings, hub: Hub) -> Transcriber:
    from pipeline.transcription.engines.mlx_qwen3.engine import build

    options = settings.mlx_qwen3
    hub = replace(hub, timeout_s=min(hub.timeout_s, options.hub_timeout_s))
    if hub.allow_download and not options.allow_download:
        hub = replace(hub, allow_download=False, allow_setting="transcription.mlx_qwen3.allow_download")
    return build(options, hub, pass_over_slow=settings.slow_engine == "pass_over")


def _faster_whisper(settings: TranscriptionSettings, hub: Hub) -> Transcriber:
    from pipeline.transcription.engines.faster_whisper import FasterWhisperTranscriber

    return FasterWhisperTranscriber(settings.faster_whisper, hub)


def _transformers_ctc(settings: TranscriptionSettings, hub: Hub) -> Transcriber:
    from pipeline.transcription.engines.transformers_ctc.engine import TransformersCtcTranscriber

    return TransformersCtcTranscriber(settings.transformers_ctc, hub)


def _openai_audio(settings: TranscriptionSettings, hub: Hub) -> Transcriber:  # noqa: ARG001 - one signature for all
    from pipeline.transcription.engines.openai_audio import OpenAiAudioTranscriber

    return OpenAiAudioTranscriber(settings.openai_audio, settings.segment_time_limit_s)


def _deepgram(settings: TranscriptionSettings, hub: Hub) -> Transcriber:  # noqa: ARG001 - one signature for all
    from pipeline.transcription.engines.cloud.deepgram import build

    return build(settings.deepgram)


def _google(settings: TranscriptionSettings, hub: Hub) -> Transcriber:  # noqa: ARG001 - one signature for all
    from pipeline.transcription.engines.cloud.google import build

    return build(settings.google)


def _aws(settings: TranscriptionSettings, hub: Hub) -> Transcriber:  # noqa: ARG001 - one signature for all
    from pipeline.transcription.engines.cloud.aws import build

    return build(settings.aws)


def _azure(settings: TranscriptionSettings, hub: Hub) -> Transcriber:  # noqa: ARG001 - one signature for all
    from pipeline.transcription.engines.cloud.azure import build

    return build(settings.azure)


def _sphinx(settings: TranscriptionSettings, hub: Hub) -> Transcriber:  # noqa: ARG001 - one signature for all
    from pipeline.transcription.engines.sphinx import SphinxTranscriber

    return SphinxTranscriber(settings.sphinx)


def _scripted(settings: TranscriptionSettings, hub: Hub) -> Transcriber:  # noqa: ARG001 - one signature for all
    from pipeline.transcription.engines.scripted import ScriptedTranscriber

    return ScriptedTranscriber(settings.scripted)


ENGINES: Mapping[str, Builder] = {
    "mlx_qwen3": _mlx_qwen3,
    "faster_whisper": _faster_whisper,
    "transformers_ctc": _transformers_ctc,
    "openai_audio": _openai_audio,
    "deepgram": _deepgram,
    "google": _google,
    "aws": _aws,
    "azure": _azure,
    "sphinx": _sphinx,
    "scripted": _scripted,
}


def choose_engine(
    settings: TranscriptionSettings,
    *,
    skip: Mapping[str, str] | None = None,
    builders: Mapping[str, Builder] = ENGINES,
    hub: Hub | None = None,
) -> tuple[Transcriber, EngineDescription, EngineIdentity]:
    """The first engine of `transcription.engines` that loads, and why each one before it was not used.

    The identity has no `options_hash`: that takes the whole configuration (`pipeline.run.planning.recipes`).

    Args:
        skip: engines not to try, with the reason (`{"mlx_qwen3": "out of memory"}`).
        hub: None for one made from the settings.

    Raises:
        ModelUnavailable: none loads; or the first does not and `transcription.strict` is true. When no hub answers,
            this takes at most 10 s: the hub is asked once for all engines.
    """
    hub = hub or Hub(allow_download=settings.allow_download, timeout_s=settings.hub_timeout_s)
    choice = _Choice(settings, hub, builders, skip or {})
    chosen = choice.first() or choice.first_of_the_slow()
    if chosen is None:
        raise ModelUnavailable(
            "no transcription engine could be loaded:\n  " + "\n  ".join(choice.passed_over.values())
        )
    rank, engine, description = chosen
    before = tuple(reason for number, reason in sorted(choice.passed_over.items()) if number < rank)
    identity = EngineIdentity(
        engine=description.engine,
        model=description.model,
        revision=description.revision,
        options_hash="",
        rank=rank,
        demonstration=description.demonstration,
        passed_over=before,
    )
    return engine, description, identity


_Loaded = tuple[int, Transcriber, EngineDescription]


@dataclass(slots=True)
class _Choice:
    """The engines in their order, each tried once; slow ones a second time when nothing but a demonstration is left."""

    settings: TranscriptionSettings
    hub: Hub
    builders: Mapping[str, Builder]
    skip: Mapping[str, str]
    passed_over: dict[int, str] = field(default_factory=dict)
    slow: list[int] = field(default_factory=list)

    def first(self) -> _Loaded | None:
        """The first that loads; a demonstration only where no engine before it was left out for being slow."""
        settings = self.settings
        if settings.strict:
            settings = settings.model_copy(update={"slow_engine": "use"})
        for rank in range(len(settings.engines)):
            loaded = self._try(rank, settings)
            if loaded is None:
                continue
            if loaded[2].demonstration and (slow := self.first_of_the_slow()) is not None:
                loaded[1].close()
                return slow
            return loaded
        return None

    def first_of_the_slow(self) -> _Loaded | None:
        settings = self.settings.model_copy(update={"slow_engine": "use"})
        while self.slow:
            loaded = self._try(self.slow.pop(0), settings)
            if loaded is not None:
                return loaded
        return None

    def _try(self, rank: int, settings: TranscriptionSettings) -> _Loaded | None:
        """Load one; None when it cannot be, with the reason kept."""
        name = settings.engines[rank]
        try:
            if name in self.skip:
                raise ModelUnavailable(self.skip[name])
            engine = self.builders[name](settings, self.hub)
            description = engine.load()
        except (ModelUnavailable, ImportError, MemoryError) as error:
            self._pass_over(rank, name, error)
            return None
        self.passed_over.pop(rank, None)
        return rank, engine, description

    def _pass_over(self, rank: int, name: str, error: BaseException) -> None:
        reason = f"{name}: {_reason(error, name)}"
        if self.settings.strict:
            raise ModelUnavailable(f"{reason}. transcription.strict is true, so no other engine is tried") from error
        if isinstance(error.__cause__, TimeoutError):
            self.hub.found_silent()
        if isinstance(error, ModelTooSlow):
            self.slow.append(rank)
        logger.info("transcription engine not used: %s", reason)
        self.passed_over[rank] = reason


def _reason(error: BaseException, name: str) -> str:
    if isinstance(error, ModelUnavailable):
        return str(error).removeprefix(f"{name}: ")
    if isinstance(error, ImportError):
        return f"a package it needs is not installed ({error}); install the extra for {name}"
    return short(error)
