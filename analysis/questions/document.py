"""An answer as a document: what `run.py ask --json` prints and /v1/ask returns."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from analysis.questions.records import Answer, Group


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class LineBeforeDocument(_Frozen):
    """What was said right before a quote, verbatim."""

    role: Annotated[str, Field(description="Who says it: agent, client or unknown.")]
    start_s: Annotated[float, Field(description="Where in the recording it begins, in seconds.")]
    text: Annotated[str, Field(description="The words.")]


class QuoteDocument(_Frozen):
    """A line of a call, verbatim as it is stored."""

    call_id: Annotated[str, Field(description="The call's id.")]
    file_name: Annotated[str, Field(description="Name of its recording.")]
    started_at: Annotated[datetime | None, Field(description="When the call began; null where that is not known.")]
    agent_id: Annotated[str | None, Field(description="The agent; null where not known.")]
    role: Annotated[str, Field(description="Who says it: agent, client or unknown.")]
    channel: Annotated[int, Field(description="Channel of the recording, from 0.")]
    ordinal: Annotated[int, Field(description="Number of the chunk within its channel, from 0.")]
    start_s: Annotated[float, Field(description="Where in the recording it begins, in seconds.")]
    text: Annotated[str, Field(description="The words.")]
    likeness: Annotated[
        float | None, Field(description="Cosine of the line and the question, -1 to 1; null without vectors.")
    ]
    before: Annotated[
        LineBeforeDocument | None,
        Field(description="The line before, where the quote is hardly understood without it; else null."),
    ]


class GroupDocument(_Frozen):
    """Quotes that say much the same."""

    calls: Annotated[int, Field(description="Number of calls among the quotes: at least so many say it.")]
    call_ids: Annotated[list[str], Field(description="Their ids.")]
    quotes: Annotated[list[QuoteDocument], Field(description="The one that fits the question best comes first.")]


class SentenceDocument(_Frozen):
    """A sentence by a language model, kept because several calls bear it out."""

    text: Annotated[str, Field(description="The sentence.")]
    calls: Annotated[int, Field(description="Number of calls that bear it out, two or more.")]
    group: Annotated[int, Field(description="Place of its group in `groups`, from 0.")]
    quotes: Annotated[list[QuoteDocument], Field(description="The quotes it rests on.")]


class AnswerDocument(_Frozen):
    """The answer to a question across calls."""

    question: Annotated[str, Field(description="As it was looked for.")]
    found: Annotated[bool, Field(description="False where the answer is: not in these calls.")]
    sentences: Annotated[
        list[SentenceDocument], Field(description="Empty without a language model, and where nothing it wrote held.")
    ]
    groups: Annotated[list[GroupDocument], Field(description="What was said, grouped; most calls first.")]
    nearest: Annotated[
        list[QuoteDocument], Field(description="Where nothing was found: what came nearest, which is no answer.")
    ]
    calls: Annotated[int, Field(description="Calls with words that the filter chooses.")]
    calls_searched: Annotated[int, Field(description="Those of them that are indexed and were looked through.")]
    notes: Annotated[list[str], Field(description="What is missing, and why.")]
    dropped_sentences: Annotated[int, Field(description="Sentences of the model that did not hold.")]
    model: Annotated[str | None, Field(description="Provider and model of the sentences; null without.")]
    cost_usd: Annotated[float | None, Field(description="What the model cost; null for none or a local one.")]


def document_of(answer: Answer) -> AnswerDocument:
    return AnswerDocument(
        question=answer.question,
        found=answer.found,
        sentences=[SentenceDocument.model_validate(sentence) for sentence in answer.sentences],
        groups=[_group(group) for group in answer.groups],
        nearest=[QuoteDocument.model_validate(quote) for quote in answer.nearest],
        calls=answer.searched.calls,
        calls_searched=answer.searched.indexed,
        notes=list(answer.notes),
        dropped_sentences=answer.dropped,
        model=answer.model,
        cost_usd=answer.cost_usd,
    )


def _group(group: Group) -> GroupDocument:
    return GroupDocument(
        calls=len(group.calls),
        call_ids=list(group.calls),
        quotes=[QuoteDocument.model_validate(quote) for quote in group.quotes],
    )
