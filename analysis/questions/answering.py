"""A language model's answer: a sentence for each group of several calls' quotes, kept where two calls bear it out.

What one call alone says stands as its quote. So what somebody says in a single call to steer the model, in whatever
words, becomes no claim of the answer. Each group is a request of its own, so that it reaches no other group's sentence
either. A sentence has to name quotes by number and repeat words of them; words that the stored line does not hold count
as none. The checker of summaries then reads it against the passages of each call: who did what, numbers, names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from analysis.asking import ask_about, object_schema
from analysis.encoder.vectors import EncoderChoice
from analysis.evidence import find_quote
from analysis.injection.patterns import gives_orders
from analysis.llm.provider import Completes, LLMAnswer, LLMRequest
from analysis.prompting import as_data, fenced, language_name, prompt
from analysis.questions.asked import Asked
from analysis.questions.records import Answer, Group, Passage, Quote, Sentence
from analysis.summary.checking import StatementChecker
from analysis.summary.support.verdict import Verdict, reads
from analysis.text import words
from pipeline.records import CallForAnalysis, CallMetadata, EngineIdentity, Transcript, TranscriptChunk

AGREEING = 2
"""Calls that have to bear a sentence out."""
MOST_STRANGE = 0.6
"""Of the word of a sentence that is least like anything said in the call: 0 was said, 1 is like nothing."""
SHOWN_QUOTES = 8
"""Quotes of a group that the model reads."""
LONGEST_SENTENCE = 300
LONGEST_WORDS = 200
_NOBODY = EngineIdentity(engine="stored", model="", revision=None, options_hash="", rank=0, demonstration=False)


@dataclass(frozen=True, slots=True)
class _Subject:
    """A group that the model is asked about."""

    place: int
    shown: tuple[Quote, ...]


def written_answer(
    asked: Asked, answer: Answer, passages: Sequence[Passage], router: Completes, encoder: EncoderChoice
) -> Answer:
    """The answer with the sentences that hold; with a note where there are none."""
    if not reads(asked.language):
        why = f"no sentences: what a language model writes in {language_name(asked.language)} cannot be checked"
        return replace(answer, notes=(*answer.notes, why))
    subjects = [
        _Subject(index, shown)
        for index, group in enumerate(answer.groups)
        if len(Group(quotes=(shown := _shown(group))).calls) >= AGREEING
    ]
    if not subjects:
        return replace(answer, notes=(*answer.notes, "no sentences: no two calls were found to say much the same"))
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


def _shown(group: Group) -> tuple[Quote, ...]:
    """What the model reads, the best quote of each call first."""
    quotes = [quote for quote in group.quotes if not gives_orders(quote.text)]
    first = {quote.call_id: quote for quote in reversed(quotes)}.values()
    return tuple(sorted(quotes, key=lambda quote: quote not in first)[:SHOWN_QUOTES])


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

    def bears_out(self, sentence: str, call_id: str, language: str) -> bool:
        """Whether the passages of this call do: all of it, so that no part of it is another call's alone."""
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
        checked = StatementChecker(call, language, encoder).check(sentence)
        return checked.verdict is Verdict.SUPPORTED and checked.strange <= MOST_STRANGE


def _checked(subject: _Subject, data: Mapping[str, Any], context: _Context, asked: Asked) -> Sentence | None:
    """The sentence with the quotes of the calls that bear it out; None where too few do."""
    text = " ".join(str(data["sentence"]).split())
    if not words(text):
        return None
    named: dict[tuple[str, int, int], Quote] = {}
    for evidence in data["evidence"]:
        quote = subject.shown[int(evidence["number"]) - 1]
        if find_quote(str(evidence["words"]), [context.line(quote)]) is not None:
            named.setdefault((quote.call_id, quote.channel, quote.ordinal), quote)
    calls = {call_id for call_id, _, _ in named}
    bearing = {call_id for call_id in calls if context.bears_out(text, call_id, asked.language)}
    if len(bearing) < AGREEING:
        return None
    quotes = tuple(quote for quote in named.values() if quote.call_id in bearing)
    return Sentence(text=text, group=subject.place, quotes=quotes, calls=len(bearing))


def _notes(replies: Sequence[LLMAnswer], sentences: Sequence[Sentence]) -> list[str]:
    reasons = list(dict.fromkeys(reply.reason for reply in replies if reply.data is None and reply.reason))
    if reasons:
        return [f"the language model did not answer: {'; '.join(reasons)}"]
    return (
        [] if sentences else ["nothing that the language model wrote is borne out by two calls; here is what they say"]
    )


def _cost(replies: Sequence[LLMAnswer]) -> float | None:
    known = [reply.cost_usd for reply in replies if reply.cost_usd is not None]
    return sum(known) if known else None
