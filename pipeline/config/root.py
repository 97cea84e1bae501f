"""The whole of config.yaml."""

from __future__ import annotations

from pydantic import Field

from pipeline.config.audio import AudioSettings
from pipeline.config.base import Area
from pipeline.config.database import DatabaseSettings
from pipeline.config.diarisation import DiarisationSettings
from pipeline.config.execution import RunSettings
from pipeline.config.language import GlossarySettings, SummarySettings, TopicSettings
from pipeline.config.llm import LanguageModelSettings
from pipeline.config.output import OutputSettings
from pipeline.config.redaction import RedactionSettings
from pipeline.config.reporting import ReportingSettings
from pipeline.config.sentiment import SentimentSettings
from pipeline.config.sources import InputSettings
from pipeline.config.transcription import TranscriptionSettings
from pipeline.config.voice_activity import VoiceActivitySettings


class Settings(Area):
    """One file per area beside this one; every area has defaults, so an empty config.yaml is valid."""

    input: InputSettings = Field(default_factory=InputSettings)
    audio: AudioSettings = Field(default_factory=AudioSettings)
    voice_activity: VoiceActivitySettings = Field(default_factory=VoiceActivitySettings)
    diarisation: DiarisationSettings = Field(default_factory=DiarisationSettings)
    transcription: TranscriptionSettings = Field(default_factory=TranscriptionSettings)
    sentiment: SentimentSettings = Field(default_factory=SentimentSettings)
    glossary: GlossarySettings = Field(default_factory=GlossarySettings)
    topics: TopicSettings = Field(default_factory=TopicSettings)
    summary: SummarySettings = Field(default_factory=SummarySettings)
    llm: LanguageModelSettings = Field(default_factory=LanguageModelSettings)
    redaction: RedactionSettings = Field(default_factory=RedactionSettings)
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    output: OutputSettings = Field(default_factory=OutputSettings)
    run: RunSettings = Field(default_factory=RunSettings)
    reporting: ReportingSettings = Field(default_factory=ReportingSettings)
