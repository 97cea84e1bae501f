"""Summary by a language model: fields in a fixed schema, long calls piece by piece (map and reduce)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from analysis.llm.provider import LLMAnswer, LLMRequest
from analysis.prompting import as_data, fenced, language_name, pieces, prompt, transcript_lines
from analysis.topics.keywords import language_of
from pipeline.config.areas.language import SummarySettings
from pipeline.records import CallForAnalysis

NAMES = ("summary", "notes")
"""Prompts whose content is part of the fingerprint."""
WHO = ("agent", "client", "third party", "")
FIELDS = ("reason", "done", "outcome", "next_step")
_MAX_NOTES = 8
_NOTE_CHARS = 240
_MAX_ROUNDS = 4
_PIECE_MARGIN = 60


@dataclass(slots=True)
class Draft:
    """One call on its way to a summary."""

    call: CallForAnalysis
    language: str | None
    """The summary's."""
    parts: list[list[str]]
    """Lines of the transcript, or of notes from it, in pieces that fit a prompt."""
    source: str = ""
    """The whole transcript, where the parts are pieces of it or notes."""
    notes: bool = False
    """The parts are notes."""
    cut: bool = False
    """Some of the call is not in the summary (a piece without an answer, or too long for the rounds there are)."""
    answers: list[LLMAnswer] = field(default_factory=list)
    failed: LLMAnswer | None = None


def drafts(calls: Sequence[CallForAnalysis], settings: SummarySettings) -> list[Draft]:
    return [_draft(call, settings) for call in calls]


def _draft(call: CallForAnalysis, settings: SummarySettings) -> Draft:
    lines = transcript_lines(call.transcript.chunks)
    parts = pieces(lines, settings.max_transcript_chars - _PIECE_MARGIN)
    return Draft(
        call=call,
        language=settings.language or language_of(call),
        parts=parts,
        source="\n".join(lines) if len(parts) > 1 else "",
    )


def note_requests(waiting: Sequence[tuple[str, Draft]]) -> list[LLMRequest]:
    """Map: one question per piece of each long call; keys are `call/piece`."""
    requests = []
    for key, draft in waiting:
        system = prompt("notes", None, {"language": language_name(draft.language), "max_notes": _MAX_NOTES})
        for number, part in enumerate(draft.parts):
            requests.append(
                LLMRequest(
                    key=f"{key}/{number}",
                    purpose="summary",
                    system=system,
                    user=fenced("transcript", part),
                    schema=_object({"notes": _strings(_MAX_NOTES, _NOTE_CHARS)}),
                    max_tokens=_MAX_NOTES * _NOTE_CHARS // 3,
                    source=draft.source,
                )
            )
    return requests


def take_notes(draft: Draft, answers: Sequence[LLMAnswer], settings: SummarySettings) -> None:
    """Reduce: the notes take the place of the pieces. A piece nobody answered for fails the draft."""
    draft.answers += answers
    unanswered = next((answer for answer in answers if answer.data is None), None)
    if unanswered is not None:
        draft.failed = unanswered
        return
    lines = [as_data(str(note)) for answer in answers for note in (answer.data or {}).get("notes", ())]
    draft.parts = pieces([f"- {line}" for line in lines if line], settings.max_transcript_chars - _PIECE_MARGIN)
    draft.notes = True


def rounds() -> range:
    """How often notes may be taken of notes."""
    return range(_MAX_ROUNDS)


def summary_request(draft: Draft, key: str, settings: SummarySettings) -> LLMRequest:
    system = prompt(
        "summary",
        None,
        {
            "language": language_name(draft.language),
            "notes": draft.notes,
            "max_key_points": settings.max_key_points,
            "max_action_items": settings.max_action_items,
        },
    )
    draft.cut = draft.cut or len(draft.parts) > 1
    text = {"type": "string", "maxLength": settings.max_field_chars}
    item = _object({"what": text, "who": {"type": "string", "enum": list(WHO)}, "by_when": {**text, "maxLength": 60}})
    return LLMRequest(
        key=key,
        purpose="summary",
        system=system,
        user=fenced("notes" if draft.notes else "transcript", draft.parts[0]),
        schema=_object(
            {
                "reason": text,
                "done": text,
                "outcome": text,
                "key_points": _strings(settings.max_key_points, settings.max_field_chars),
                "action_items": {"type": "array", "items": item, "maxItems": settings.max_action_items},
                "next_step": text,
            }
        ),
        max_tokens=settings.max_tokens,
        source=draft.source,
    )


def _strings(most: int, longest: int) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string", "maxLength": longest}, "maxItems": most}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
