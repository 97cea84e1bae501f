"""Glossary, topics, summaries: config.yaml's `glossary`, `topics`, `summary` (`llm` is beside this file)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from pipeline.config.base import Area
from pipeline.config.influence import IDENTITY, VOCABULARY

_SUFFIXES = (".yaml", ".yml", ".csv", ".xlsx")


class GlossarySettings(Area):
    """Business topics and domain vocabulary, one catalogue per kind of customer."""

    b2b: Annotated[Path | None, IDENTITY] = Path("glossaries/b2b.yaml")
    """Catalogue of business customers (.yaml, .csv or .xlsx); null for none."""
    b2c: Annotated[Path | None, IDENTITY] = Path("glossaries/b2c.yaml")
    """Catalogue of private customers (.yaml, .csv or .xlsx); null for none."""
    when_segment_unknown: Literal["classify", "b2b", "b2c"] = "classify"
    """Catalogue of a call whose segment nobody knows: classify compares the call with both, or name one."""
    context_terms_max_chars: Annotated[int, VOCABULARY] = Field(default=600, ge=0, le=20000)
    """Longest list of domain terms handed to recognisers that take a vocabulary; 0 for none."""

    @field_validator("b2b", "b2c")
    @classmethod
    def _known_kind(cls, value: Path | None) -> Path | None:
        if value is not None and value.suffix.lower() not in _SUFFIXES:
            raise ValueError(f"{value} must end in one of {', '.join(_SUFFIXES)}")
        return value

    @model_validator(mode="after")
    def _chosen_one_is_there(self) -> Self:
        chosen = self.when_segment_unknown
        if chosen != "classify" and getattr(self, chosen) is None:
            raise ValueError(f"when_segment_unknown is {chosen}, but glossary.{chosen} is null; name its file")
        return self


class KeywordTopicSettings(Area):
    """Finding the topic without a model."""

    opening_turns: int = Field(default=4, ge=1, le=100)
    """So many of the client's first turns count in full: the reason for a call is said early."""
    later_weight: float = Field(default=0.35, ge=0, le=1)
    """Weight of the client's later turns, against 1 for the opening ones."""
    agent_weight: float = Field(default=0.3, ge=0, le=1)
    """Weight of the agent's turns, against the client's at the same place."""
    saturation: float = Field(default=0.6, gt=0, le=10)
    """How soon more mentions of a word stop adding (BM25's k1 over weighted mentions)."""
    name_weight: float = Field(default=1.0, ge=0, le=10)
    """Weight of words in a topic's own names."""
    keyword_weight: float = Field(default=1.0, ge=0, le=10)
    """Weight of words in its keywords."""
    example_weight: float = Field(default=0.6, ge=0, le=10)
    """Weight of words in its examples."""
    definition_weight: float = Field(default=0.35, ge=0, le=10)
    """Weight of words in its definition."""
    phrase_part: float = Field(default=1.0, ge=0, le=1)
    """Weight of a single word of a keyword of several words, against a keyword that stands alone."""
    subword_weight: float = Field(default=0.2, ge=0, le=10)
    """Weight of likeness within words (compounds, near misses of the recogniser), against whole words."""
    phrase_bonus: float = Field(default=0.6, ge=0, le=10)
    """Extra weight of a keyword of several words found together in one turn."""
    phrase_gap_words: int = Field(default=3, ge=0, le=20)
    """Other words that may stand between the words of such a keyword."""
    min_score: float = Field(default=0.6, ge=0)
    """Below this score nothing matches (a rare keyword said once by the client is worth about 1)."""
    min_margin: float = Field(default=0.02, ge=0, le=1)
    """A lead over the second best topic, as a share of the score, below which no topic is chosen."""
    subtopic_min_margin: float = Field(default=0.02, ge=0, le=1)
    """The same among the subtopics of one topic; below it the topic stands alone."""


class TrainedTopicSettings(Area):
    """A topic classifier trained on own labels (`run.py train topics`)."""

    model_dir: Annotated[Path | None, IDENTITY] = None
    """Folder the training wrote; null when not used."""
    min_confidence: float = Field(default=0.3, ge=0, le=1)
    """Below this probability no topic is given."""


class TopicSettings(Area):
    """What a call was about: a label of the glossary, or none with the reason."""

    method: Annotated[Literal["auto", "llm", "trained", "keywords"], IDENTITY] = "auto"
    """auto: the language model where `llm.providers` names one, else the trained model if any, else keywords."""
    keywords: KeywordTopicSettings = Field(default_factory=KeywordTopicSettings)
    """Finding the topic without a model."""
    trained: TrainedTopicSettings = Field(default_factory=TrainedTopicSettings)
    """A classifier trained on own labels."""
    max_evidence: int = Field(default=3, ge=0, le=20)
    """Most quotes kept as evidence."""
    pre_summary: bool = True
    """Have the model sum the call up in a few sentences first and choose the topic from that and the transcript."""
    pre_summary_language: str | None = None
    """ISO 639-1 code of the pre-summary's language; null for the call's own."""
    max_proposed_terms: int = Field(default=5, ge=0, le=50)
    """Most terms the model may propose for the glossary when it answers `other`."""
    max_transcript_chars: int = Field(default=24000, ge=500)
    """Longest transcript put into one prompt; of longer calls the opening and the end are taken."""
    max_tokens: int = Field(default=700, ge=64, le=32768)
    """Longest answer."""

    @model_validator(mode="after")
    def _trained_has_a_model(self) -> Self:
        if self.method == "trained" and self.trained.model_dir is None:
            raise ValueError("method is trained, but topics.trained.model_dir is null; name the folder training wrote")
        return self


class ExtractiveSummarySettings(Area):
    """A summary made of the call's own sentences, without a model."""

    max_words: int = Field(default=60, ge=5, le=2000)
    """Longest summary."""
    max_share: float = Field(default=0.5, gt=0, le=1)
    """Longest summary as a share of the call's words."""
    opening_weight: float = Field(default=1.0, ge=0, le=10)
    """Worth of standing at the very beginning, where the reason for the call is."""
    opening_lines: float = Field(default=6.0, gt=0, le=1000)
    """Lines over which that worth falls to a third."""
    density_weight: float = Field(default=1.0, ge=0, le=10)
    """Worth of the share of words that carry meaning."""
    recurrence_weight: float = Field(default=1.0, ge=0, le=10)
    """Worth of words that come back elsewhere in the call."""
    ending_weight: float = Field(default=0.3, ge=0, le=10)
    """Worth of being among the last lines, where the outcome is."""
    client_weight: float = Field(default=0.2, ge=0, le=10)
    """Worth of being said by the client."""
    question_penalty: float = Field(default=0.2, ge=0, le=10)
    """What a question is worth less."""
    redundancy: float = Field(default=0.1, ge=0, le=10)
    """What a line is worth less when all of it has been said by the lines chosen before."""
    max_action_items: int = Field(default=5, ge=0, le=50)
    """Most promises listed."""


class SummarySettings(Area):
    """What was said and agreed, as fields and as text."""

    method: Annotated[Literal["auto", "llm", "extractive"], IDENTITY] = "auto"
    """auto: the language model where `llm.providers` names one, else extractive."""
    language: str | None = None
    """ISO 639-1 code of the summary's language; null for the call's own, which an extractive summary is always in."""
    template: str = Field(default="call_summary", pattern=r"^[A-Za-z0-9_-]+$")
    """Template of the summary's text, a file `<template>.<language>.j2` or `<template>.j2`."""
    templates_dir: Annotated[Path | None, IDENTITY] = None
    """Folder searched for templates before the ones that come with Earshot."""
    unsupported: Literal["drop", "flag"] = "drop"
    """What becomes of a sentence with a number, date or name that is not in the transcript."""
    max_key_points: int = Field(default=5, ge=0, le=20)
    """Most key points."""
    max_action_items: int = Field(default=5, ge=0, le=20)
    """Most action items."""
    max_field_chars: int = Field(default=300, ge=40, le=4000)
    """Longest field of the model's answer."""
    max_tokens: int = Field(default=900, ge=64, le=32768)
    """Longest answer."""
    max_transcript_chars: int = Field(default=24000, ge=500)
    """Longest piece of transcript in one prompt (about four to a token); longer calls are summed up piece by piece."""
    extractive: ExtractiveSummarySettings = Field(default_factory=ExtractiveSummarySettings)
    """A summary without a model."""
