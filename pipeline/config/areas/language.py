"""Glossary, topics, summaries: config.yaml's `glossary`, `topics`, `summary` (`llm` is beside this file)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.config.base import Area, ends_in
from pipeline.config.influence import IDENTITY, NOTHING, REPLY, SUMMARY, TOPIC, VOCABULARY

_FILE = ends_in(".yaml", ".yml", ".csv", ".xlsx")


class GlossarySettings(Area):
    """Business topics and domain vocabulary, one catalogue per kind of customer."""

    b2b: Annotated[Path | None, IDENTITY, _FILE] = Path("glossaries/b2b.yaml")
    """Catalogue of business customers (.yaml, .csv or .xlsx); null for none."""
    b2c: Annotated[Path | None, IDENTITY, _FILE] = Path("glossaries/b2c.yaml")
    """Catalogue of private customers (.yaml, .csv or .xlsx); null for none."""
    when_segment_unknown: Literal["classify", "b2b", "b2c"] = "classify"
    """Catalogue for a call of unknown segment: classify compares the call with both; or name one."""
    context_terms_max_chars: Annotated[int, VOCABULARY] = Field(default=600, ge=0, le=20000)
    """Longest list of domain terms, in characters, passed to recognisers that accept a vocabulary; 0 for none."""

    @model_validator(mode="after")
    def _chosen_one_is_there(self) -> Self:
        chosen = self.when_segment_unknown
        if chosen != "classify" and getattr(self, chosen) is None:
            raise ValueError(f"when_segment_unknown is {chosen}, but glossary.{chosen} is null; name its file")
        return self


class KeywordTopicSettings(Area):
    """Finding the topic without a model."""

    opening_turns: int = Field(default=4, ge=1, le=100)
    """How many of the client's first turns count in full, because the reason for a call is said early."""
    later_weight: float = Field(default=0.35, ge=0, le=1)
    """Weight of the client's later turns, relative to 1 for the opening turns."""
    agent_weight: float = Field(default=0.3, ge=0, le=1)
    """Weight of the agent's turns, relative to the client's at the same place."""
    saturation: float = Field(default=0.6, gt=0, le=10)
    """How soon further mentions of a word stop counting (BM25's k1 over weighted mentions)."""
    name_weight: float = Field(default=1.0, ge=0, le=10)
    """Weight of words in a topic's own names."""
    keyword_weight: float = Field(default=1.0, ge=0, le=10)
    """Weight of words in its keywords."""
    example_weight: float = Field(default=0.6, ge=0, le=10)
    """Weight of words in its examples."""
    definition_weight: float = Field(default=0.35, ge=0, le=10)
    """Weight of words in its definition."""
    phrase_part: float = Field(default=1.0, ge=0, le=1)
    """Weight of one word from a keyword of several words, relative to a one-word keyword."""
    subword_weight: float = Field(default=0.2, ge=0, le=10)
    """Weight of similarity within words (compounds, near misses of the recogniser), relative to whole words."""
    phrase_bonus: float = Field(default=0.6, ge=0, le=10)
    """Extra weight when all words of a keyword of several words occur together in one turn."""
    phrase_gap_words: int = Field(default=3, ge=0, le=20)
    """Other words that may stand between the words of such a keyword."""
    min_score: float = Field(default=0.6, ge=0)
    """Below this score nothing matches (a rare keyword said once by the client is worth about 1)."""
    min_margin: float = Field(default=0.02, ge=0, le=1)
    """Smallest lead over the second-best topic, as a share of the score; with a smaller lead no topic is chosen."""
    subtopic_min_margin: float = Field(default=0.02, ge=0, le=1)
    """The same among the subtopics of one topic; with a smaller lead only the topic is given."""


class TrainedTopicSettings(Area):
    """A topic classifier trained on your own labels (`run.py train topics`)."""

    model_dir: Annotated[Path | None, IDENTITY] = None
    """Folder written by the training; null when not used."""
    min_confidence: float = Field(default=0.3, ge=0, le=1)
    """Below this probability no topic is given."""


class TopicScoringSettings(Area):
    """What a language model is asked about a call's topic."""

    shortlist: Annotated[int, REPLY] = Field(default=9, ge=2, le=200)
    """Most labels offered, those closest to the client's first words by the sentence encoder; where no encoder knows
    the language, all are."""
    words: Annotated[int, REPLY] = Field(default=25, ge=5, le=2000)
    """How many of the client's first words are weighed."""
    temperature: Annotated[float, REPLY] = Field(default=8.0, gt=0, le=1000)
    """Divides the log-likelihoods (nats) before they become shares: higher lets the model count less."""
    number_temperature: Annotated[float, REPLY] = Field(default=3.0, gt=0, le=1000)
    """The same for the log-probabilities of a label's number, where a server tells these alone."""
    closeness_temperature: Annotated[float, REPLY] = Field(default=0.08, gt=0, le=10)
    """Divides the encoder's closeness (cosine) of a label, which counts beside the model: higher lets it count less.
    Alone it is calibrated at 0.05 (300 questions of banking77)."""
    closeness_of_none: Annotated[float, REPLY] = Field(default=0.35, ge=-1, le=1)
    """Closeness at which a label is as likely to be wrong as right: that of "none of these"."""


class TopicSettings(Area):
    """What a call was about: a label of the glossary, or none with the reason."""

    method: Annotated[Literal["auto", "llm", "trained", "keywords"], IDENTITY] = "auto"
    """auto: the best in `measured`; without it the trained model if any, else keywords. llm asks `llm.providers`."""
    measured: Annotated[Path | None, IDENTITY] = None
    """Figures saved by `run.py evaluate topics --save`; null when nothing was measured."""
    keywords: KeywordTopicSettings = Field(default_factory=KeywordTopicSettings)
    """Finding the topic without a model."""
    min_confidence: Annotated[float, TOPIC.unless_default()] = Field(default=0.35, ge=0, le=1)
    """By keywords and encoder: below this probability no topic is given (docs/topics.md: what less and more gives).
    Words alone have their own measure (`keywords.min_score`)."""
    min_confidence_of_second: Annotated[float, TOPIC.unless_default()] = Field(default=0.4, ge=0, le=1)
    """The same for a second topic, where the client says that there is another reason."""
    trained: TrainedTopicSettings = Field(default_factory=TrainedTopicSettings)
    """A classifier trained on your own labels."""
    max_evidence: int = Field(default=3, ge=0, le=20)
    """Most quotes kept as evidence."""
    scoring: Annotated[TopicScoringSettings, REPLY] = Field(default_factory=TopicScoringSettings)
    """Choosing among labels by a language model."""
    pre_summary: bool = True
    """Let a model that writes its answer first say in a sentence why the client calls, then choose the topic."""
    pre_summary_language: str | None = None
    """ISO 639-1 code of that sentence's language; null for the call's own."""
    max_proposed_terms: int = Field(default=5, ge=0, le=50)
    """Most terms the model may propose for the glossary when it answers `other`."""
    max_transcript_chars: int = Field(default=24000, ge=500)
    """Longest transcript in one prompt, in characters; of longer calls the opening and the end are used."""
    max_tokens: int = Field(default=700, ge=64, le=32768)
    """Longest answer."""

    @model_validator(mode="after")
    def _trained_has_a_model(self) -> Self:
        if self.method == "trained" and self.trained.model_dir is None:
            raise ValueError("method is trained, but topics.trained.model_dir is null; name the folder training wrote")
        return self


class ExtractiveSummarySettings(Area):
    """A summary made of the call's own sentences, without a model."""

    template: Annotated[str, IDENTITY] = Field(default="spoken_summary", pattern=r"^[A-Za-z0-9_-]+$")
    """Template of its text where reason, outcome and open points are told apart: in English, with the sentence
    encoder."""
    parts_max_words: Annotated[int, SUMMARY.unless_default()] = Field(default=90, ge=10, le=2000)
    """Longest summary there, in words of the call. All settings below but the last are for other calls."""
    max_words: int = Field(default=60, ge=5, le=2000)
    """Longest summary."""
    max_share: float = Field(default=0.5, gt=0, le=1)
    """Longest summary as a share of the call's words."""
    opening_weight: float = Field(default=1.0, ge=0, le=10)
    """Weight of the very beginning, where the reason for the call is given."""
    opening_lines: float = Field(default=6.0, gt=0, le=1000)
    """Number of lines over which that weight falls to a third."""
    density_weight: float = Field(default=1.0, ge=0, le=10)
    """Weight of the share of content words in a line."""
    recurrence_weight: float = Field(default=1.0, ge=0, le=10)
    """Weight of words that occur elsewhere in the call too."""
    ending_weight: float = Field(default=0.3, ge=0, le=10)
    """Weight of the last lines, where the outcome is."""
    client_weight: float = Field(default=0.2, ge=0, le=10)
    """Weight of a line said by the client."""
    question_penalty: float = Field(default=0.2, ge=0, le=10)
    """Amount subtracted from the score of a question."""
    redundancy: float = Field(default=0.1, ge=0, le=10)
    """Amount subtracted from the score of a line whose whole content is in lines already chosen."""
    max_action_items: int = Field(default=5, ge=0, le=50)
    """Most action items (promises) listed."""


class SummarySettings(Area):
    """What was said and agreed, as fields and as text."""

    method: Annotated[Literal["auto", "llm", "extractive"], IDENTITY] = "auto"
    """auto: the best in `measured`; without it extractive. llm asks `llm.providers`."""
    measured: Annotated[Path | None, IDENTITY] = None
    """Figures saved by `run.py evaluate summaries --save`; null when nothing was measured."""
    language: str | None = None
    """ISO 639-1 code of the summary's language; null for the language of the call, which an extractive summary always
    uses."""
    template: str = Field(default="call_summary", pattern=r"^[A-Za-z0-9_-]+$")
    """Template of the summary's text, a file `<template>.<language>.j2` or `<template>.j2`."""
    templates_dir: Annotated[Path | None, IDENTITY] = None
    """Folder searched for templates before the ones that come with Earshot."""
    unsupported: Literal["drop", "flag"] = "drop"
    """What becomes of a model's sentence that the transcript contradicts or does not tell. drop: it is left out; where
    it is only not told, the call's own sentences stand instead. flag: it stays and ends with "(not verified)"."""
    max_key_points: int = Field(default=5, ge=0, le=20)
    """Most key points; of a long call that is read in parts one from each, where that is more. 0 for none."""
    max_action_items: int = Field(default=5, ge=0, le=20)
    """Most action items; of a long call that a model reads in parts one from each, where that is more."""
    max_field_chars: Annotated[int, NOTHING] = Field(default=300, ge=40, le=4000)
    """Without effect: fields end with a sentence. Files of earlier versions name it."""
    max_tokens: int = Field(default=900, ge=64, le=32768)
    """Longest answer."""
    max_transcript_chars: int = Field(default=24000, ge=500)
    """Longest transcript in one prompt (about four characters to a token); longer calls are summarised in parts."""
    part_chars: Annotated[int, SUMMARY.unless_default()] = Field(default=3600, ge=500)
    """Longest part of such a call; a small model tells more of several short parts. Read are the first, the last, then
    those between, within the call's time (`llm.request_time_limit_s`): what is read when it is over stays."""
    extractive: ExtractiveSummarySettings = Field(default_factory=ExtractiveSummarySettings)
    """A summary without a model."""
