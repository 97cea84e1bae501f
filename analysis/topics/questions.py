"""Topic by a language model: a short account first, then one label of the catalogue, with quotes that are checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from analysis.asking import object_schema, strings_schema
from analysis.calls import language_of
from analysis.evidence import check_quotes
from analysis.glossary.catalogue import OTHER, Glossary
from analysis.glossary.choice import Catalogues
from analysis.llm.provider import LLMAnswer, LLMRequest
from analysis.prompting import as_data, fenced, language_name, opening_and_end, prompt, transcript_lines
from analysis.records import Topic
from analysis.text import squeezed
from analysis.topics.keywords import KeywordTopics
from pipeline.config.areas.language import TopicSettings
from pipeline.records import CallForAnalysis, CustomerSegment

NAMES = ("pre_summary", "topic")
"""Prompts whose content is part of the fingerprint."""
_ACCOUNT_CHARS = 600
_QUOTE_CHARS = 160
_TERM_CHARS = 40
_ACCOUNT_TOKENS = 260
_SEGMENTS = {"business": CustomerSegment.B2B, "private": CustomerSegment.B2C}


@dataclass(frozen=True, slots=True)
class Question:
    """What the second question is asked about."""

    call: CallForAnalysis
    glossary: Glossary
    account: LLMAnswer | None = None
    """The answer to the first question, where it was asked."""


def account_request(call: CallForAnalysis, key: str, catalogues: Catalogues, settings: TopicSettings) -> LLMRequest:
    """The first question: what happened, and which kind of customer calls where that is unknown."""
    ask_customer = len(catalogues.for_call(call.metadata.customer_segment)) > 1
    wanted = settings.pre_summary_language or language_of(call)
    properties: dict[str, Any] = {"account": {"type": "string", "maxLength": _ACCOUNT_CHARS}}
    if ask_customer:
        properties["customer"] = {"type": "string", "enum": [*_SEGMENTS, "unknown"]}
    return LLMRequest(
        key=key,
        purpose="pre_summary",
        system=prompt("pre_summary", wanted, {"language": language_name(wanted), "ask_customer": ask_customer}),
        user=_transcript(call, settings),
        schema=object_schema(properties),
        max_tokens=_ACCOUNT_TOKENS,
    )


def question_about(
    call: CallForAnalysis, account: LLMAnswer | None, catalogues: Catalogues, keywords: KeywordTopics
) -> Question:
    """The question with one catalogue: that of the segment the account names, else the best match, else the first.

    The call has at least one.
    """
    glossaries = catalogues.for_call(call.metadata.customer_segment)
    chosen: Glossary | None = None
    if len(glossaries) > 1:
        by_name = {glossary.name: glossary for glossary in glossaries}
        segment = _SEGMENTS.get(str(account.data.get("customer"))) if account and account.data else None
        chosen = by_name.get(segment.value) if segment else None
        if chosen is None:
            topic, _ = keywords.classify(call, glossaries)
            chosen = by_name.get(topic.catalogue or "") if topic else None
    return Question(call, chosen or glossaries[0], account)


def topic_request(question: Question, key: str, settings: TopicSettings) -> LLMRequest:
    """The second question: one label of the catalogue, or `other`; evidence; proposed terms."""
    labels = _labels(question.glossary, language_of(question.call))
    system = prompt(
        "topic",
        None,
        {
            "labels": labels,
            "terms": question.glossary.terms,
            "other": OTHER,
            "max_terms": settings.max_proposed_terms,
            "max_evidence": settings.max_evidence,
            "pre_summary": settings.pre_summary,
        },
    )
    parts = [_transcript(question.call, settings)]
    if settings.pre_summary:
        answer = question.account.data if question.account else None
        parts.append(fenced("account", [as_data(str((answer or {}).get("account") or "(none)"))]))
    return LLMRequest(
        key=key,
        purpose="topic",
        system=system,
        user="\n".join(parts),
        schema=object_schema(
            {
                "label": {"type": "string", "enum": [*(label.path for label in labels), OTHER]},
                "evidence": strings_schema(settings.max_evidence, _QUOTE_CHARS),
                "proposed_terms": strings_schema(settings.max_proposed_terms, _TERM_CHARS),
            }
        ),
        max_tokens=settings.max_tokens,
        label_fields=("label",),
    )


def read_topic(question: Question, answer: LLMAnswer, settings: TopicSettings) -> Topic | None:
    """The answer as a record, each part checked; None when its label is not of the catalogue."""
    data: Mapping[str, Any] = answer.data or {}
    path = str(data.get("label"))
    label = next((label for label in question.glossary.labels if label.path == path), None)
    if label is None and path != OTHER:
        return None
    quotes = [str(quote) for quote in data.get("evidence", ())]
    evidence, invented = check_quotes(quotes, question.call.transcript.believed, settings.max_evidence)
    terms: tuple[str, ...] = ()
    if label is None:
        terms = _said_terms(data.get("proposed_terms", ()), question)[: settings.max_proposed_terms]
    return Topic(
        topic=label.topic if label else OTHER,
        subtopic=label.subtopic if label else None,
        confidence=answer.label_probabilities.get("label", {}).get(path),
        evidence=evidence,
        catalogue=question.glossary.name,
        glossary_hash=question.glossary.content_hash,
        proposed_terms=terms,
        flags=("evidence_not_said",) if invented else (),
    )


def _labels(glossary: Glossary, language: str | None) -> list[Any]:
    """All labels; the ones with subtopics too, for calls that fit a topic and none of its subtopics.

    Keywords and examples in other languages than the call's are left out of the prompt.
    """
    return [
        label
        if language is None or not label.languages or language in label.languages
        else replace(label, keywords=(), examples=())
        for label in glossary.labels
    ]


def _said_terms(terms: Any, question: Question) -> tuple[str, ...]:
    """Proposed terms whose words were said together; what the model made up is left out."""
    transcript = f" {squeezed(' '.join(chunk.text for chunk in question.call.transcript.believed))} "
    proposed = [squeezed(str(term)) for term in terms]
    return tuple(dict.fromkeys(term for term in proposed if term and f" {term} " in transcript))


def _transcript(call: CallForAnalysis, settings: TopicSettings) -> str:
    lines = opening_and_end(transcript_lines(call.transcript.believed), settings.max_transcript_chars)
    return fenced("transcript", lines)
