"""Engines, trust gates, text rules: config.yaml's `transcription`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pipeline.config.areas.speech.cloud import (
    CLOUD_ENGINES,
    AwsOptions,
    AzureOptions,
    DeepgramOptions,
    GoogleOptions,
)
from pipeline.config.areas.speech.mlx_qwen3 import MlxQwen3Options
from pipeline.config.areas.speech.prices import NO_SERVICE, PaidByTheMinute, Price
from pipeline.config.areas.speech.recognisers import (
    FasterWhisperOptions,
    OpenAiAudioOptions,
    ScriptedOptions,
    SphinxOptions,
    TransformersCtcOptions,
)
from pipeline.config.areas.speech.text_rules import TextRuleSettings
from pipeline.config.areas.speech.trust import TrustGateSettings
from pipeline.config.base import FOR_TESTS, Area, OneOrList
from pipeline.config.influence import IDENTITY, NOTHING, TRANSCRIPT, VOCABULARY
from pipeline.outside import on_this_machine

EngineName = Literal[
    "mlx_qwen3",
    "faster_whisper",
    "transformers_ctc",
    "openai_audio",
    "deepgram",
    "google",
    "aws",
    "azure",
    "sphinx",
    "scripted",
]


_Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
LONGEST_INPUT_S = 30.0
"""Of the engines without a setting for it: faster_whisper (Whisper's window) and sphinx, in seconds."""


class TranscriptionSettings(Area):
    """Engines, trust gates, text rules: config.yaml's `transcription`."""

    engines: Annotated[OneOrList[Annotated[tuple[EngineName, ...], Field(min_length=1)]], IDENTITY] = (
        "mlx_qwen3",
        "faster_whisper",
        "sphinx",
    )
    """Recognisers in order of preference; the first that can be loaded is used. `sphinx` is a demonstration engine: it
    needs no download, and its rows are used only where the database holds nothing better."""
    cloud_as_fallback: Annotated[bool, NOTHING] = False
    """Allow deepgram, google, aws and azure after the first place of `engines`: where an engine before them cannot
    serve, the audio of the calls then leaves this machine."""
    strict: Annotated[bool, NOTHING] = False
    """Forbid fallbacks: if the first engine cannot be loaded, the run does not start (exit 3)."""
    slow_engine: Annotated[Literal["pass_over", "use"], NOTHING] = "pass_over"
    """How to treat an engine that is far slower here than it needs to be (mlx_qwen3 on a Linux CPU without OpenBLAS):
    skip it where a later engine that is not a demonstration can be loaded, or use it anyway. The reason says how to
    make it fast; once it is fast, it redoes the calls. With `strict` it is used."""
    allow_download: Annotated[bool, NOTHING] = True
    """Fetch weights that are not on disk; a download over 100 MB states its size first."""
    hub_timeout_s: Annotated[float, Field(gt=0, le=9), NOTHING] = 3.0
    """Longest wait for the model hub's first answer; asked once for all engines."""
    language: _Language | None = None
    """ISO 639-1 code of all calls without their own; null: the engine detects it."""
    languages: Annotated[tuple[_Language, ...] | None, Field(min_length=2), TRANSCRIPT.unless_default()] = None
    """ISO 639-1 codes of the languages calls are in, at least two: the one that is detected is the likeliest of these.
    null: any the engine knows. Heeded by faster_whisper, mlx_qwen3 (whole calls) and the transcription services."""
    language_per: Annotated[Literal["call", "segment"], TRANSCRIPT.unless_default()] = "call"
    """Where the language must be detected: once for a call, from the clearest speech of both sides, or for each segment
    (window) anew, for calls that change their language. Engines that cannot tell a language by itself (all but
    faster_whisper) detect it in each."""
    segment_time_limit_s: Annotated[float, Field(gt=0, le=3600), NOTHING] = 120.0
    """Longest time an engine may spend on one segment, in seconds. mlx_qwen3 (by its own limit, just below) and
    openai_audio abandon the segment themselves. The others work in native calls that cannot be interrupted: when
    nothing finishes within `run.segment_timeout_s` their process is restarted, and each of its segments is tried alone,
    with this limit."""
    max_context_chars: Annotated[int, Field(ge=0, le=10_000), VOCABULARY] = 800
    """Most characters of vocabulary passed to an engine that accepts it; beyond that, terms are left out from the
    end."""
    max_cost_usd: Annotated[float | None, Field(ge=0), NOTHING] = None
    """Ceiling per run of what transcription services charge. No audio is sent that could exceed it: the run then stops
    as planned, and the next one goes on. null for none."""
    trust_gates: TrustGateSettings = Field(default_factory=TrustGateSettings)
    text_rules: TextRuleSettings = Field(default_factory=TextRuleSettings)
    mlx_qwen3: Annotated[MlxQwen3Options, TRANSCRIPT.when_chosen_by("engines")] = Field(default_factory=MlxQwen3Options)
    faster_whisper: Annotated[FasterWhisperOptions, TRANSCRIPT.when_chosen_by("engines")] = Field(
        default_factory=FasterWhisperOptions
    )
    transformers_ctc: Annotated[TransformersCtcOptions, TRANSCRIPT.when_chosen_by("engines")] = Field(
        default_factory=TransformersCtcOptions
    )
    openai_audio: Annotated[OpenAiAudioOptions, TRANSCRIPT.when_chosen_by("engines")] = Field(
        default_factory=OpenAiAudioOptions
    )
    deepgram: Annotated[DeepgramOptions, TRANSCRIPT.when_chosen_by("engines")] = Field(default_factory=DeepgramOptions)
    google: Annotated[GoogleOptions, TRANSCRIPT.when_chosen_by("engines")] = Field(default_factory=GoogleOptions)
    aws: Annotated[AwsOptions, TRANSCRIPT.when_chosen_by("engines")] = Field(default_factory=AwsOptions)
    azure: Annotated[AzureOptions, TRANSCRIPT.when_chosen_by("engines")] = Field(default_factory=AzureOptions)
    sphinx: Annotated[SphinxOptions, TRANSCRIPT.when_chosen_by("engines")] = Field(default_factory=SphinxOptions)
    scripted: Annotated[ScriptedOptions, FOR_TESTS, TRANSCRIPT.when_chosen_by("engines")] = Field(
        default_factory=ScriptedOptions
    )

    def longest_input_s(self, engine: str) -> float:
        """The longest segment an engine takes, in seconds."""
        return float(getattr(getattr(self, engine), "max_segment_s", LONGEST_INPUT_S))

    def price(self, engine: str) -> Price:
        """What an engine's service charges; an engine on this machine charges nothing."""
        options = getattr(self, engine)
        if not isinstance(options, PaidByTheMinute):
            return NO_SERVICE
        return Price(
            usd_per_minute=options.usd_per_minute,
            bills_each_channel=options.bills_each_channel,
            billed_at_least_s=options.billed_at_least_s,
        )

    def sends_audio(self, engine: str) -> bool:
        """Whether an engine sends the audio of calls off this machine, where it may cost money."""
        if engine in CLOUD_ENGINES:
            return True
        return engine == "openai_audio" and not on_this_machine(self.openai_audio.base_url)

    @field_validator("engines")
    @classmethod
    def _each_once(cls, engines: tuple[EngineName, ...]) -> tuple[EngineName, ...]:
        twice = sorted({name for name in engines if engines.count(name) > 1})
        if twice:
            raise ValueError(f"transcription.engines names {', '.join(twice)} more than once; name each engine once")
        return engines

    @model_validator(mode="after")
    def _set_up(self) -> TranscriptionSettings:
        if "openai_audio" in self.engines and not self.openai_audio.base_url:
            raise ValueError(
                "transcription.engines names openai_audio, but transcription.openai_audio.base_url is empty: "
                "give the server's address (http://…/v1) or take openai_audio out"
            )
        if "transformers_ctc" in self.engines and not self.transformers_ctc.model:
            raise ValueError(
                "transcription.engines names transformers_ctc, but transcription.transformers_ctc.model is empty: "
                "give a folder or a hub repository, or take transformers_ctc out"
            )
        self._cloud_is_meant()
        if self.max_cost_usd is not None:
            self._prices_are_known()
        if self.openai_audio.word_times and self.openai_audio.response_format != "verbose_json":
            raise ValueError(
                "transcription.openai_audio.word_times is true, but response_format is "
                f"{self.openai_audio.response_format!r}: word times need verbose_json"
            )
        return self

    def _cloud_is_meant(self) -> None:
        later = [name for name in self.engines[1:] if name in CLOUD_ENGINES]
        if later and not self.cloud_as_fallback:
            raise ValueError(
                f"transcription.engines names {', '.join(later)} as a fallback: the audio of calls would leave this "
                f"machine when {self.engines[0]} cannot serve; put it first, or set transcription.cloud_as_fallback"
            )
        for name, setting in (("google", "project"), ("aws", "bucket"), ("azure", "endpoint")):
            if name in self.engines and not getattr(getattr(self, name), setting):
                raise ValueError(
                    f"transcription.engines names {name}, but transcription.{name}.{setting} is empty: set it or take "
                    f"{name} out"
                )

    def _prices_are_known(self) -> None:
        for name in self.engines:
            if self.price(name).usd_per_minute is None:
                raise ValueError(
                    f"transcription.max_cost_usd is {self.max_cost_usd}, but the price of {name} is unknown: set "
                    f"transcription.{name}.usd_per_minute (0 for your own server)"
                )
