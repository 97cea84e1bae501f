"""Topic by a language model: which of a few labels fits, and words for the glossary where none does.

The labels offered are those of the call's catalogues that are closest to what the client says first. A provider that
gives likelihoods weighs how likely these words are from a client who calls about each of them, and from one who calls
about anything (a noisy channel, Min et al. 2022), with the closeness as the prior. It writes nothing, so nothing said
can order it about. Any other provider is asked for the number of the label, after a sentence that says why the client
calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.asking import object_schema, strings_schema
from analysis.calls import in_order, language_of
from analysis.encoder.vectors import EncoderChoice
from analysis.glossary.catalogue import OTHER
from analysis.llm.provider import Choice, LLMAnswer, LLMRequest, Option
from analysis.prompting import as_data, fenced, language_name, opening_and_end, prompt, transcript_lines
from analysis.records import Topic
from analysis.text import squeezed, without_marks, words
from analysis.topics.shortlist import Offered
from analysis.topics.support import lines_about
from pipeline.config.areas.language import TopicSettings
from pipeline.records import CallForAnalysis, Direction, Role

NAMES = ("topic", "topic_label", "topic_terms")
"""Prompts whose content is part of the fingerprint."""
_NUMBER, _WHY, _TERMS = "number", "why", "terms"
_NONE = "0"
_WHY_CHARS = 300
_TERM_CHARS = 40
_TERMS_TOKENS = 200


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about a call: which of these labels, numbered from 1, fits. At least one is offered."""

    call: CallForAnalysis
    offered: tuple[Offered, ...]


def topic_request(question: Question, key: str, settings: TopicSettings) -> LLMRequest:
    """The number of one label, or 0 for none; its schema has the number last."""
    wanted = settings.pre_summary_language or language_of(question.call)
    system = prompt(
        "topic",
        None,
        {
            "labels": [offered.label for offered in question.offered],
            "terms": _terms(question),
            "pre_summary": settings.pre_summary,
            "language": language_name(wanted),
        },
    )
    properties: dict[str, Any] = {_WHY: {"type": "string", "maxLength": _WHY_CHARS}} if settings.pre_summary else {}
    numbers = [str(number) for number in range(1, len(question.offered) + 1)]
    properties[_NUMBER] = {"type": "string", "enum": [*numbers, _NONE]}
    return LLMRequest(
        key=key,
        purpose="topic",
        system=system,
        user=_transcript(question.call, settings),
        schema=object_schema(properties),
        max_tokens=settings.max_tokens,
        choice=_choice(question, settings),
    )


def _choice(question: Question, settings: TopicSettings) -> Choice:
    """The encoder's closeness is the prior, the likelihood of the client's words what the model adds to it."""
    said = opening(question.call, settings.scoring.words)
    options = [
        Option(
            value=str(number),
            given=prompt("topic_label", None, {"label": offered.label}),
            said=said,
            prior=_prior(offered.closeness, settings),
        )
        for number, offered in enumerate(question.offered, start=1)
    ]
    compared = any(offered.closeness is not None for offered in question.offered)
    none = Option(
        value=_NONE,
        given=prompt("topic_label", None, {"label": None}),
        said=said,
        prior=_prior(settings.scoring.closeness_of_none if compared else None, settings),
    )
    return Choice(
        fills=_NUMBER,
        options=(*options, none),
        temperature=settings.scoring.temperature,
        number_temperature=settings.scoring.number_temperature,
        others={_WHY: ""} if settings.pre_summary else {},
    )


def _prior(closeness: float | None, settings: TopicSettings) -> float:
    return 0.0 if closeness is None else closeness / settings.scoring.closeness_temperature


def opening(call: CallForAnalysis, most_words: int) -> str:
    """What the client says first; of a call from the company, and where nobody is known to be the client, twice as many
    words of both sides. Turns without a word are left out."""
    chunks = in_order(call.transcript.believed)
    client = [chunk for chunk in chunks if chunk.role is Role.CLIENT and words(chunk.text)]
    alone = bool(client) and call.metadata.direction is not Direction.OUTBOUND
    heard = client if alone else chunks
    said = as_data(" ".join(without_marks(chunk.text) for chunk in heard)).split()
    return " ".join(said[: most_words if alone else 2 * most_words])


def read_topic(question: Question, answer: LLMAnswer, settings: TopicSettings, encoder: EncoderChoice) -> Topic:
    """The answer as a record. `confidence` is the share of the topic, all of its subtopics included."""
    number = str((answer.data or {}).get(_NUMBER))
    shares = answer.label_probabilities.get(_NUMBER, {})
    chosen, confidence = _decide(question, number, shares)
    if chosen is None:
        catalogue = question.offered[0].glossary
        return Topic(
            topic=OTHER,
            subtopic=None,
            confidence=confidence,
            catalogue=catalogue.name,
            glossary_hash=catalogue.content_hash,
        )
    return Topic(
        topic=chosen.label.topic,
        subtopic=chosen.label.subtopic,
        confidence=confidence,
        evidence=lines_about(question.call, chosen.label, encoder, settings.max_evidence),
        catalogue=chosen.glossary.name,
        glossary_hash=chosen.glossary.content_hash,
    )


def _decide(question: Question, number: str, shares: Mapping[str, float]) -> tuple[Offered | None, float | None]:
    """The label, None for none of them, and the share of its topic; None where the labels were not weighed.

    The topic with the largest sum is taken, and of its labels the likeliest: a number that was written may lose to the
    encoder's closeness.
    """
    numbered = {str(choice): offered for choice, offered in enumerate(question.offered, start=1)}
    if len(shares) <= len(numbered):
        return numbered.get(number), None
    topics: dict[tuple[str, str] | None, float] = {}
    for value, share in shares.items():
        topic = _topic(numbered.get(value))
        topics[topic] = topics.get(topic, 0.0) + share
    best = max(topics, key=lambda topic: topics[topic])
    likeliest = max((value for value in shares if _topic(numbered.get(value)) == best), key=lambda value: shares[value])
    return numbered.get(likeliest), min(1.0, topics[best])


def _topic(offered: Offered | None) -> tuple[str, str] | None:
    return (offered.glossary.name, offered.label.topic) if offered else None


def terms_request(call: CallForAnalysis, key: str, settings: TopicSettings) -> LLMRequest:
    """Asked where no label fits: words of the call that a glossary might list."""
    return LLMRequest(
        key=key,
        purpose="topic_terms",
        system=prompt("topic_terms", None, {"max_terms": settings.max_proposed_terms}),
        user=_transcript(call, settings),
        schema=object_schema({_TERMS: strings_schema(settings.max_proposed_terms, _TERM_CHARS)}),
        max_tokens=_TERMS_TOKENS,
    )


def read_terms(call: CallForAnalysis, answer: LLMAnswer, settings: TopicSettings) -> tuple[str, ...]:
    """Proposed terms whose words were said together; what the model made up is left out."""
    transcript = f" {squeezed(' '.join(chunk.text for chunk in call.transcript.believed))} "
    proposed = [squeezed(str(term)) for term in (answer.data or {}).get(_TERMS, ())]
    said = dict.fromkeys(term for term in proposed if term and f" {term} " in transcript)
    return tuple(said)[: settings.max_proposed_terms]


def _terms(question: Question) -> list[Any]:
    """Words of the trade with what they mean, of all catalogues that are offered."""
    glossaries = {offered.glossary.name: offered.glossary for offered in question.offered}
    return [term for glossary in glossaries.values() for term in glossary.terms if term.meaning]


def _transcript(call: CallForAnalysis, settings: TopicSettings) -> str:
    lines = opening_and_end(transcript_lines(call.transcript.believed), settings.max_transcript_chars)
    return fenced("transcript", lines)
