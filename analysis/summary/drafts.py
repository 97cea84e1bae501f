"""What a language model is asked for a summary: of each call, of each piece of a long one; promises where needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from analysis.asking import object_schema
from analysis.calls import in_order, language_of
from analysis.llm.provider import LLMAnswer, LLMRequest
from analysis.prompting import fenced, language_name, pieces, prompt, transcript_lines
from pipeline.config.areas.language import SummarySettings
from pipeline.errors import StageTimeout
from pipeline.records import CallForAnalysis, TranscriptChunk

NAMES = ("summary", "action_items")
"""Prompts whose content is part of the fingerprint."""
WHO = ("agent", "client", "third party", "")
FIELDS = ("reason", "done", "outcome")
"""In the order in which they are asked: a small model that has written the reason writes a better outcome."""
_PIECE_MARGIN = 60
_EVENING_STEPS = 16
_TEXT_TOKENS = 200
"""Enough for three sentences; small models that do not stop by themselves are cut here."""
_PART_TOKENS = 100
"""Of a part: all are written together, so the longest answer takes the time of all."""
_TEXT_CHARS = 4000
"""Far beyond that: what ends a text is its last sentence, not a count of letters in the middle of a word."""
_ITEM_CHARS = 400


@dataclass(frozen=True, slots=True)
class Draft:
    """One call on its way to a summary."""

    call: CallForAnalysis
    language: str | None
    """The summary's."""
    parts: tuple[list[str], ...]
    """Lines of the transcript, in pieces that fit a prompt."""
    source: str
    """The whole transcript, where the parts are pieces of it."""
    chunks: tuple[tuple[TranscriptChunk, ...], ...] = ()
    """Of each part; a chunk that is cut between two belongs to both."""

    def by(self, call: CallForAnalysis) -> Draft:
        """The same parts, compared with less of what was said."""
        said = {(chunk.channel, chunk.ordinal): chunk for chunk in call.transcript.chunks}
        chunks = (tuple(said[chunk.channel, chunk.ordinal] for chunk in part) for part in self.chunks)
        return replace(self, call=call, chunks=tuple(chunks))


def draft_of(call: CallForAnalysis, settings: SummarySettings) -> Draft:
    # Without the numbers of the lines: small models write them into their sentences.
    numbered = [line.split(" ", 1) for line in transcript_lines(call.transcript.believed)]
    lines = [line for _, line in numbered]
    parts = pieces(lines, settings.max_transcript_chars - _PIECE_MARGIN)
    if len(parts) > 1:
        parts = _even_parts(lines, min(settings.part_chars, settings.max_transcript_chars) - _PIECE_MARGIN)
    return Draft(
        call=call,
        language=settings.language or language_of(call),
        parts=tuple(parts),
        source="\n".join(lines) if len(parts) > 1 else "",
        chunks=tuple(_chunks_of(parts, numbered, in_order(call.transcript.believed))),
    )


def _chunks_of(
    parts: Sequence[Sequence[str]], numbered: Sequence[Sequence[str]], ordered: Sequence[TranscriptChunk]
) -> Iterator[tuple[TranscriptChunk, ...]]:
    """`numbered`: `#7` and the line, whose chunk is the seventh; of a line that is cut two parts hold a piece."""
    lines = iter(numbered)
    left, chunk = "", ordered[0] if ordered else None
    for part in parts:
        held: dict[TranscriptChunk, None] = {}
        for line in part:
            if not left:
                number, left = next(lines)
                chunk = ordered[int(number.removeprefix("#")) - 1]
            left = left[len(line) :].lstrip()
            if chunk is not None:
                held[chunk] = None
        yield tuple(held)


def _even_parts(lines: list[str], most: int) -> list[list[str]]:
    """As few parts as fit, of about one length: parts that are read together are padded to the longest."""
    fewest = len(pieces(lines, most))
    size = sum(len(line) + 1 for line in lines) // fewest
    limits = (size + (most - size) * step // _EVENING_STEPS for step in range(_EVENING_STEPS + 1))
    return next(parts for limit in limits if len(parts := pieces(lines, limit)) == fewest)


@dataclass(frozen=True, slots=True)
class Piece:
    """What one request is about."""

    draft: Draft
    number: int
    """From 0."""

    @property
    def lines(self) -> list[str]:
        return self.draft.parts[self.number]


def in_order_of_need(draft: Draft) -> list[Piece]:
    """The pieces: where time runs out, the last ones are not read.

    The first part has the reason, the last one the outcome. Then comes the one that is farthest from all before it, so
    that what is not read lies scattered over the call.
    """
    chosen: list[int] = []
    left = set(range(len(draft.parts)))
    while left:
        farthest = max(left, key=lambda number: (min((abs(number - taken) for taken in chosen), default=0), -number))
        chosen.append(farthest)
        left.remove(farthest)
    return [Piece(draft, number) for number in chosen]


def text_request(piece: Piece, key: str, settings: SummarySettings) -> LLMRequest:
    """Why the client called, what the agent did, how it ended: a sentence or two each."""
    language = piece.draft.language
    return LLMRequest(
        key=key,
        purpose="summary",
        system=prompt("summary", language, {"parts": len(piece.draft.parts), "language": language_name(language)}),
        user=fenced("transcript", piece.lines),
        schema=object_schema({name: {"type": "string", "maxLength": _TEXT_CHARS} for name in FIELDS}),
        max_tokens=min(settings.max_tokens, _PART_TOKENS if len(piece.draft.parts) > 1 else _TEXT_TOKENS),
        source=piece.draft.source,
    )


def promises_request(piece: Piece, key: str, settings: SummarySettings) -> LLMRequest:
    """What somebody promised."""
    language = piece.draft.language
    text = {"type": "string", "maxLength": _ITEM_CHARS}
    item = object_schema({"what": text, "who": {"type": "string", "enum": list(WHO)}, "by_when": text})
    most = settings.max_action_items
    return LLMRequest(
        key=key,
        purpose="summary",
        system=prompt("action_items", language, {"language": language_name(language), "most": most}),
        user=fenced("transcript", piece.lines),
        schema=object_schema({"promises": {"type": "array", "items": item, "maxItems": most}}),
        max_tokens=settings.max_tokens,
        source=piece.draft.source,
    )


def first_failure(answers: Sequence[LLMAnswer]) -> LLMAnswer | None:
    return next((answer for answer in answers if answer.data is None), None)


def out_of_time(answers: Sequence[LLMAnswer]) -> bool:
    """Whether some parts were read and for the others there was no time."""
    unread = [answer for answer in answers if answer.data is None]
    return 0 < len(unread) < len(answers) and all(answer.error_type == StageTimeout.__name__ for answer in unread)


def parts_not_read(answers: Sequence[LLMAnswer]) -> str:
    """What the row says of them. Args: the answers about all parts, in their order."""
    unread = [str(number) for number, answer in enumerate(answers, start=1) if answer.data is None]
    alone = len(unread) == 1
    which = (
        f"{'part' if alone else 'parts'} {', '.join(unread)} of {len(answers)} {'was' if alone else 'were'} left out"
    )
    return f"not all of this long call was read within llm.request_time_limit_s: {which}"
