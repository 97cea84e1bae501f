"""A language model's answer: one sentence for each group of quotes, kept only where the quotes bear it out.

Each group is a request of its own. What somebody says in one call to steer the model ("ignore your instructions") can
then reach no other group's sentence, and such quotes are not sent at all. A sentence has to name quotes by number and
repeat words of them; words that the stored line does not hold count as none. What is left is read by the checker of
summaries against the passage: who did what, numbers, names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from analysis.asking import ask_about, object_schema
from analysis.encoder.vectors import EncoderChoice
from analysis.evidence import find_quote
from analysis.llm.provider import Completes, LLMAnswer, LLMRequest
from analysis.prompting import as_data, fenced, gives_orders, language_name, prompt
from analysis.questions.asked import Asked
from analysis.questions.records import Answer, Group, Passage, Quote, Sentence, Support
from analysis.summary.checking import StatementChecker
from analysis.summary.support.verdict import Verdict
from analysis.text import words
from pipeline.records import CallForAnalysis, CallMetadata, EngineIdentity, Transcript, TranscriptChunk

SHOWN_QUOTES = 8
"""Quotes of a group that the model reads."""
LONGEST_SENTENCE = 300
LONGEST_WORDS = 200
_NOBODY = EngineIdentity(engine="stored", model="", revision=None, options_hash="", rank=0, demonstration=False)


@dataclass(frozen=True, slots=True)
class _Subject:
    """A group that the model is asked about."""

    place: int
    group: Group
    shown: tuple[Quote, ...]


def written_answer(
    asked: Asked, answer: Answer, passages: Sequence[Passage], router: Completes, encoder: EncoderChoice
) -> Answer:
    """The answer with the sentences that hold; with a note where the model gave none."""
    subjects = [
        _Subject(place, group, shown)
        for place, group in enumerate(answer.groups)
        if (shown := tuple(quote for quote in group.quotes if not gives_orders(quote.text))[:SHOWN_QUOTES])
    ]
    if not subjects:
        return replace(answer, notes=(*answer.notes, "no sentences: the quotes seem to give orders to who reads them"))
    replies = ask_about(router, subjects, lambda subject, key: _request(asked, subject, key))
    context = _Context(passages, encoder)
    sentences: list[Sentence] = []
    dropped = 0
    for subject, reply in zip(subjects, replies, strict=True):
        if reply.data is None or not reply.data["answers"]:
            continue
        sentence = _checked(subject, reply.data, context, asked)
        dropped += sentence is None
        if sentence is not None:
            sentences.append(sentence)
    return replace(
        answer,
        sentences=tuple(sentences),
        dropped=dropped,
        notes=(*answer.notes, *_notes(replies, sentences)),
        model=next((f"{reply.provider}/{reply.model}" for reply in replies if reply.data is not None), None),
        cost_usd=_cost(replies),
    )


def _request(asked: Asked, subject: _Subject, key: str) -> LLMRequest:
    lines = [f"#{number} {quote.role}: {as_data(quote.text)}" for number, quote in enumerate(subject.shown, start=1)]
    evidence = object_schema(
        {
            "number": {"type": "integer", "minimum": 1, "maximum": len(subject.shown)},
            "words": {"type": "string", "maxLength": LONGEST_WORDS},
        }
    )
    schema = object_schema(
        {
            "answers": {"type": "boolean"},
            "sentence": {"type": "string", "maxLength": LONGEST_SENTENCE},
            "evidence": {"type": "array", "items": evidence, "maxItems": len(subject.shown)},
        }
    )
    return LLMRequest(
        key=key,
        purpose="ask",
        system=prompt("ask_group", "en", {"language": language_name(asked.language)}),
        user=f"{fenced('question', [as_data(asked.text)])}\n{fenced('quotes', lines)}",
        schema=schema,
        max_tokens=400,
    )


class _Context:
    """The passages around quotes, by call, for the checker."""

    def __init__(self, passages: Sequence[Passage], encoder: EncoderChoice) -> None:
        self._encoder = encoder
        self._languages = {passage.call_id: passage.language for passage in passages}
        self._lines: dict[str, dict[tuple[int, int], TranscriptChunk]] = {}
        for passage in passages:
            lines = self._lines.setdefault(passage.call_id, {})
            lines.update({(line.channel, line.ordinal): line for line in passage.lines})

    def line(self, quote: Quote) -> TranscriptChunk:
        return self._lines[quote.call_id][quote.channel, quote.ordinal]

    def verdict(self, sentence: str, call_id: str, language: str) -> Verdict:
        """What the passages of this call say to the sentence."""
        lines = tuple(self._lines[call_id].values())
        spoken = self._languages[call_id]
        transcript = Transcript(fingerprint=call_id, identity=_NOBODY, language=spoken, chunks=lines)
        call = CallForAnalysis(
            call_id=call_id,
            audio_sha256="",
            duration_s=max(line.end_s for line in lines),
            metadata=CallMetadata(),
            transcript=transcript,
            audio=(),
        )
        encoder = self._encoder.for_language(spoken) if self._encoder.for_language(language) else None
        return StatementChecker(call, language, encoder).check(sentence).verdict


def _checked(subject: _Subject, data: Mapping[str, Any], context: _Context, asked: Asked) -> Sentence | None:
    """The sentence with the quotes that bear it out; None where none does.

    A question that seems to give orders gets no sentence that could not be verified.
    """
    text = " ".join(str(data["sentence"]).split())
    if not words(text) or gives_orders(text):
        return None
    named: dict[tuple[str, int, int], Quote] = {}
    for evidence in data["evidence"]:
        quote = subject.shown[int(evidence["number"]) - 1]
        if find_quote(str(evidence["words"]), [context.line(quote)]) is not None:
            named.setdefault((quote.call_id, quote.channel, quote.ordinal), quote)
    verdicts = {call_id: context.verdict(text, call_id, asked.language) for call_id, _, _ in named}
    held = [quote for quote in named.values() if verdicts[quote.call_id] is not Verdict.CONTRADICTED]
    if not held:
        return None
    supported = any(verdicts[quote.call_id] is Verdict.SUPPORTED for quote in held)
    if not supported and gives_orders(asked.text):
        return None
    return Sentence(
        text=text,
        support=Support.SUPPORTED if supported else Support.NOT_VERIFIED,
        group=subject.place,
        quotes=tuple(held),
        # Not those of the group: what one caller says to steer the answer would count as said by all.
        calls=len({quote.call_id for quote in held}),
    )


def _notes(replies: Sequence[LLMAnswer], sentences: Sequence[Sentence]) -> list[str]:
    reasons = list(dict.fromkeys(reply.reason for reply in replies if reply.data is None and reply.reason))
    if reasons:
        return [f"the language model did not answer: {'; '.join(reasons)}"]
    return [] if sentences else ["nothing that the language model wrote is borne out by the quotes; here they are"]


def _cost(replies: Sequence[LLMAnswer]) -> float | None:
    known = [reply.cost_usd for reply in replies if reply.cost_usd is not None]
    return sum(known) if known else None
