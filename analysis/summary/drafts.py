"""What a language model is asked for a summary: of each call, of each piece of a long one; promises where needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.asking import object_schema
from analysis.calls import language_of
from analysis.llm.provider import LLMAnswer, LLMRequest
from analysis.prompting import fenced, language_name, pieces, prompt, transcript_lines
from pipeline.config.areas.language import SummarySettings
from pipeline.records import CallForAnalysis

NAMES = ("summary", "action_items")
"""Prompts whose content is part of the fingerprint."""
WHO = ("agent", "client", "third party", "")
FIELDS = ("reason", "done", "outcome")
"""In the order in which they are asked: a small model that has written the reason writes a better outcome."""
_PIECE_MARGIN = 60
_TEXT_TOKENS = 200
"""Enough for three sentences; small models that do not stop by themselves are cut here."""
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


def draft_of(call: CallForAnalysis, settings: SummarySettings) -> Draft:
    # Without the numbers of the lines: small models write them into their sentences.
    lines = [line.split(" ", 1)[1] for line in transcript_lines(call.transcript.believed)]
    parts = pieces(lines, settings.max_transcript_chars - _PIECE_MARGIN)
    return Draft(
        call=call,
        language=settings.language or language_of(call),
        parts=tuple(parts),
        source="\n".join(lines) if len(parts) > 1 else "",
    )


@dataclass(frozen=True, slots=True)
class Piece:
    """What one request is about."""

    draft: Draft
    number: int
    """From 0."""

    @property
    def lines(self) -> list[str]:
        return self.draft.parts[self.number]


def pieces_of(draft: Draft) -> list[Piece]:
    return [Piece(draft, number) for number in range(len(draft.parts))]


def text_request(piece: Piece, key: str, settings: SummarySettings) -> LLMRequest:
    """Why the client called, what the agent did, how it ended: a sentence or two each."""
    language = piece.draft.language
    return LLMRequest(
        key=key,
        purpose="summary",
        system=prompt("summary", language, {**_part(piece), "language": language_name(language)}),
        user=fenced("transcript", piece.lines),
        schema=object_schema({name: {"type": "string", "maxLength": _TEXT_CHARS} for name in FIELDS}),
        max_tokens=min(settings.max_tokens, _TEXT_TOKENS),
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


def _part(piece: Piece) -> dict[str, int]:
    parts = len(piece.draft.parts)
    return {"part": piece.number + 1 if parts > 1 else 0, "parts": parts}


def first_failure(answers: Sequence[LLMAnswer]) -> LLMAnswer | None:
    return next((answer for answer in answers if answer.data is None), None)
