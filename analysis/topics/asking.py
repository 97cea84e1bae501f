"""Topic by a language model: a short account first, then one label of the catalogue, with quotes that are checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from analysis.evidence import check_quotes
from analysis.glossary.catalogue import OTHER, Glossary
from analysis.glossary.choice import Catalogues
from analysis.llm.provider import LLMAnswer, LLMRequest
from analysis.prompting import as_data, fenced, language_name, opening_and_end, prompt, transcript_lines
from analysis.records import Topic
from analysis.text import squeezed
from analysis.topics.keywords import KeywordTopics, language_of
from pipeline.config.areas.language import TopicSettings
from pipeline.records import CallForAnalysis, CustomerSegment

NAMES = ("pre_summary", "topic")
"""Prompts whose content is part of the fingerprint."""
_ACCOUNT_CHARS = 600
_QUOTE_CHARS = 160
_TERM_CHARS = 40
_ACCOUNT_TOKENS = 260
_SEGMENTS = {"business": CustomerSegment.B2B, "private": CustomerSegment.B2C}


@dataclass(slots=True)
class Question:
    """One call on its way through both questions."""

    call: CallForAnalysis
    glossaries: tuple[Glossary, ...]
    lines: list[str]
    account: str | None = None
    segment: CustomerSegment | None = None
    answers: list[LLMAnswer] = field(default_factory=list)

    @property
    def glossary(self) -> Glossary:
        return self.glossaries[0]


def questions(calls: Sequence[CallForAnalysis], catalogues: Catalogues, settings: TopicSettings) -> list[Question]:
    """What is to be asked, in the order of the calls."""
    return [
        Question(
            call=call,
            glossaries=catalogues.for_call(call.metadata.customer_segment),
            lines=opening_and_end(transcript_lines(call.transcript.chunks), settings.max_transcript_chars),
        )
        for call in calls
    ]


def account_request(question: Question, key: str, settings: TopicSettings) -> LLMRequest:
    """The first question: what happened, and, where nobody knows, what kind of customer calls."""
    ask_customer = len(question.glossaries) > 1
    wanted = settings.pre_summary_language or language_of(question.call)
    properties: dict[str, Any] = {"account": {"type": "string", "maxLength": _ACCOUNT_CHARS}}
    if ask_customer:
        properties["customer"] = {"type": "string", "enum": [*_SEGMENTS, "unknown"]}
    return LLMRequest(
        key=key,
        purpose="pre_summary",
        system=prompt("pre_summary", wanted, {"language": language_name(wanted), "ask_customer": ask_customer}),
        user=fenced("transcript", question.lines),
        schema=_object(properties),
        max_tokens=_ACCOUNT_TOKENS,
    )


def take_account(question: Question, answer: LLMAnswer, keywords: KeywordTopics) -> None:
    """Note the account and settle the catalogue: by the answer, else by which catalogue's words match better."""
    question.answers.append(answer)
    if answer.data is not None:
        question.account = str(answer.data.get("account") or "") or None
        question.segment = _SEGMENTS.get(str(answer.data.get("customer")))
    settle_catalogue(question, keywords)


def settle_catalogue(question: Question, keywords: KeywordTopics) -> None:
    """Leave one catalogue: the segment's, else the one whose words match the call better, else the first."""
    if len(question.glossaries) < 2:
        return
    by_name = {glossary.name: glossary for glossary in question.glossaries}
    chosen = by_name.get(question.segment.value) if question.segment else None
    if chosen is None:
        found, _ = keywords.classify(question.call, question.glossaries)
        chosen = by_name.get(found.catalogue or "") if found else None
    question.glossaries = (chosen or question.glossaries[0],)


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
    parts = [fenced("transcript", question.lines)]
    if settings.pre_summary:
        parts.append(fenced("account", [as_data(question.account or "(none)")]))
    return LLMRequest(
        key=key,
        purpose="topic",
        system=system,
        user="\n".join(parts),
        schema=_object(
            {
                "label": {"type": "string", "enum": [*(label.path for label in labels), OTHER]},
                "evidence": _strings(settings.max_evidence, _QUOTE_CHARS),
                "proposed_terms": _strings(settings.max_proposed_terms, _TERM_CHARS),
            }
        ),
        max_tokens=settings.max_tokens,
        label_fields=("label",),
    )


def read_topic(question: Question, answer: LLMAnswer, settings: TopicSettings) -> Topic | None:
    """The answer as a record, each part checked; None when its label is not of the catalogue."""
    data: Mapping[str, Any] = answer.data or {}
    path = str(data.get("label"))
    label = next((one for one in question.glossary.labels if one.path == path), None)
    if label is None and path != OTHER:
        return None
    quotes = [str(quote) for quote in data.get("evidence", ())]
    evidence, invented = check_quotes(quotes, question.call.transcript.chunks, settings.max_evidence)
    flags = ["evidence_not_said"] if invented else []
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
        flags=tuple(flags),
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
    said = f" {squeezed(' '.join(chunk.text for chunk in question.call.transcript.chunks))} "
    wanted = [squeezed(str(term)) for term in terms]
    return tuple(dict.fromkeys(term for term in wanted if term and f" {term} " in said))


def _strings(most: int, longest: int) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string", "maxLength": longest}, "maxItems": most}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
