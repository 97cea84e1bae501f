"""The whole of config.yaml."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from pipeline.config.areas.ask import AskSettings
from pipeline.config.areas.attention import AttentionSettings
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.database import EMBEDDED, DatabaseSettings
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.encryption import EncryptionSettings
from pipeline.config.areas.language import GlossarySettings, SummarySettings, TopicSettings
from pipeline.config.areas.live import LiveSettings
from pipeline.config.areas.llm import LanguageModelSettings
from pipeline.config.areas.output import OutputSettings
from pipeline.config.areas.ray import RaySettings
from pipeline.config.areas.redaction import RedactionSettings
from pipeline.config.areas.reporting import ReportingSettings
from pipeline.config.areas.retention import RetentionSettings
from pipeline.config.areas.run import RunSettings
from pipeline.config.areas.sentiment import SentimentSettings
from pipeline.config.areas.service import ServiceSettings
from pipeline.config.areas.sources import InputSettings
from pipeline.config.areas.speech.cloud import CloudOptions
from pipeline.config.areas.speech.diarisation import DiarisationSettings
from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.config.areas.watch import WatchSettings
from pipeline.config.base import Area
from pipeline.config.influence import METADATA, NOTHING, SPEAKERS, SUMMARY, TOPIC, TRANSCRIPT


class Settings(Area):
    """One file per area in `areas`; every area has defaults, so an empty config.yaml is valid."""

    input: Annotated[InputSettings, METADATA] = Field(default_factory=InputSettings)
    audio: Annotated[AudioSettings, TRANSCRIPT] = Field(default_factory=AudioSettings)
    voice_activity: Annotated[VoiceActivitySettings, TRANSCRIPT] = Field(default_factory=VoiceActivitySettings)
    diarisation: Annotated[DiarisationSettings, SPEAKERS] = Field(default_factory=DiarisationSettings)
    transcription: Annotated[TranscriptionSettings, TRANSCRIPT] = Field(default_factory=TranscriptionSettings)
    encoder: Annotated[EncoderSettings, NOTHING] = Field(default_factory=EncoderSettings)
    sentiment: Annotated[SentimentSettings, NOTHING] = Field(default_factory=SentimentSettings)
    glossary: Annotated[GlossarySettings, TOPIC] = Field(default_factory=GlossarySettings)
    topics: Annotated[TopicSettings, TOPIC] = Field(default_factory=TopicSettings)
    summary: Annotated[SummarySettings, SUMMARY] = Field(default_factory=SummarySettings)
    attention: Annotated[AttentionSettings, NOTHING] = Field(default_factory=AttentionSettings)
    llm: Annotated[LanguageModelSettings, NOTHING] = Field(default_factory=LanguageModelSettings)
    ask: Annotated[AskSettings, NOTHING] = Field(default_factory=AskSettings)
    redaction: Annotated[RedactionSettings, TRANSCRIPT.when("redaction.redact_stored", True)] = Field(
        default_factory=RedactionSettings
    )
    database: Annotated[DatabaseSettings, NOTHING] = Field(default_factory=DatabaseSettings)
    output: Annotated[OutputSettings, NOTHING] = Field(default_factory=OutputSettings)
    retention: Annotated[RetentionSettings, NOTHING] = Field(default_factory=RetentionSettings)
    watch: Annotated[WatchSettings, NOTHING] = Field(default_factory=WatchSettings)
    run: Annotated[RunSettings, NOTHING] = Field(default_factory=RunSettings)
    ray: Annotated[RaySettings, NOTHING] = Field(default_factory=RaySettings)
    live: Annotated[LiveSettings, NOTHING] = Field(default_factory=LiveSettings)
    reporting: Annotated[ReportingSettings, NOTHING] = Field(default_factory=ReportingSettings)
    service: Annotated[ServiceSettings, NOTHING] = Field(default_factory=ServiceSettings)
    encryption: Annotated[EncryptionSettings, NOTHING] = Field(default_factory=EncryptionSettings)

    @model_validator(mode="after")
    def _requests_end_before_their_process_is_killed(self) -> Self:
        for engine in self.transcription.engines:
            options = getattr(self.transcription, engine)
            if isinstance(options, CloudOptions) and options.time_limit_s >= self.run.segment_timeout_s:
                raise ValueError(
                    f"transcription.{engine}.time_limit_s ({options.time_limit_s:g}) must be under "
                    f"run.segment_timeout_s ({self.run.segment_timeout_s:g}), after which the recogniser is killed: "
                    "lower the one or raise the other"
                )
        return self

    @model_validator(mode="after")
    def _workers_elsewhere_reach_the_database(self) -> Self:
        if self.run.executor == "ray" and self.ray.address != "local" and self.database.url == EMBEDDED:
            raise ValueError(
                f"run.executor is ray with workers at ray.address {self.ray.address}, but they cannot reach the "
                "embedded database of this machine: let database.url name a PostgreSQL server, or set ray.address: "
                "local"
            )
        return self

    @model_validator(mode="after")
    def _questions_have_their_models(self) -> Self:
        if not self.ask.providers:
            return self
        try:
            self.llm_of_questions()
        except ValidationError as error:
            faults = "; ".join(fault["msg"].removeprefix("Value error, ") for fault in error.errors())
            raise ValueError(faults.replace("llm.providers", "ask.providers")) from None
        return self

    def llm_of_questions(self) -> LanguageModelSettings:
        """`llm` with the providers of `ask`. Raises ValidationError where one is not set up."""
        return LanguageModelSettings(**{**dict(self.llm), "providers": self.ask.providers})

    @model_validator(mode="after")
    def _somebody_to_tell_of_attention(self) -> Self:
        told = self.reporting.notify
        if self.attention.notify and not (told.smtp.host or told.webhook.url):
            raise ValueError(
                "attention.notify is true, but neither reporting.notify.smtp.host nor reporting.notify.webhook.url is "
                "set; set one, or attention.notify: false"
            )
        return self

    @model_validator(mode="after")
    def _somebody_to_tell_of_word_errors(self) -> Self:
        told = self.reporting.notify
        if self.watch.notify and not (told.smtp.host or told.webhook.url):
            raise ValueError(
                "watch.notify is true, but neither reporting.notify.smtp.host nor reporting.notify.webhook.url is set; "
                "set one, or watch.notify: false"
            )
        return self

    @model_validator(mode="after")
    def _segments_fit_the_recognisers(self) -> Self:
        longest_s = self.voice_activity.max_segment_s
        for engine in self.transcription.engines:
            limit_s = self.transcription.longest_input_s(engine)
            if longest_s > limit_s:
                raise ValueError(
                    f"voice_activity.max_segment_s ({longest_s:g}) is over the longest input of {engine} "
                    f"({limit_s:g} s), which transcription.engines names: lower it, raise "
                    f"transcription.{engine}.max_segment_s where there is one, or take {engine} out"
                )
        return self
