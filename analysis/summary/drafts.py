"""Summary by a language model: fields in a fixed schema, long calls piece by piece (map and reduce)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analysis.asking import object_schema, strings_schema
from analysis.calls import language_of
from analysis.llm.provider import LLMAnswer, LLMRequest
from analysis.prompting import as_data, fenced, language_name, pieces, prompt, transcript_lines
from pipeline.config.areas.language import SummarySettings
from pipeline.records import CallForAnalysis

NAMES = ("summary", "notes")
"""Prompts whose content is part of the fingerprint."""
WHO = ("agent", "client", "third party", "")
FIELDS = ("reason", "done", "outcome", "next_step")
_MAX_NOTES = 8
_NOTE_CHARS = 240
MAX_ROUNDS = 4
"""Rounds of taking notes; each round after the first takes notes of notes."""
_PIECE_MARGIN = 60


@dataclass(frozen=True, slots=True)
class Draft:
    """One call on its way to a summary."""

    call: CallForAnalysis
    language: str | None
    """The summary's."""
    parts: tuple[list[str], ...]
    """Lines of the transcript, or of notes from it, in pieces that fit a prompt."""
    source: str = ""
    """The whole transcript, where the parts are pieces of it or notes."""
    notes: bool = False
    """The parts are notes."""
    answers: tuple[LLMAnswer, ...] = ()
    failed: LLMAnswer | None = None
    """The answer that held nothing usable and so failed the draft."""

    @property
    def too_long(self) -> bool:
        """Whether it does not fit one prompt: if asked now, the summary covers only its first part."""
        return len(self.parts) > 1

    @property
    def wants_notes(self) -> bool:
        return self.too_long and self.failed is None

    @property
    def askable(self) -> bool:
        """Whether there is something to ask about and no piece lacks its notes."""
        return bool(self.parts) and self.failed is None


def draft_of(call: CallForAnalysis, settings: SummarySettings) -> Draft:
    lines = transcript_lines(call.transcript.believed)
    parts = pieces(lines, settings.max_transcript_chars - _PIECE_MARGIN)
    return Draft(
        call=call,
        language=settings.language or language_of(call),
        parts=tuple(parts),
        source="\n".join(lines) if len(parts) > 1 else "",
    )


def notes_request(draft: Draft, part: list[str], key: str) -> LLMRequest:
    """Map: what matters in one piece of a long call."""
    return LLMRequest(
        key=key,
        purpose="summary",
        system=prompt("notes", None, {"language": language_name(draft.language), "max_notes": _MAX_NOTES}),
        user=fenced("transcript", part),
        schema=object_schema({"notes": strings_schema(_MAX_NOTES, _NOTE_CHARS)}),
        max_tokens=_MAX_NOTES * _NOTE_CHARS // 3,
        source=draft.source,
    )


def with_notes(draft: Draft, answers: Sequence[LLMAnswer], settings: SummarySettings) -> Draft:
    """Reduce: the notes take the place of the pieces. A piece nobody answered for fails the draft."""
    answered = replace(draft, answers=(*draft.answers, *answers))
    failed = next((answer for answer in answers if answer.data is None), None)
    if failed is not None:
        return replace(answered, failed=failed)
    lines = [as_data(str(note)) for answer in answers for note in (answer.data or {}).get("notes", ())]
    parts = pieces([f"- {line}" for line in lines if line], settings.max_transcript_chars - _PIECE_MARGIN)
    return replace(answered, parts=tuple(parts), notes=True)


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
    text = {"type": "string", "maxLength": settings.max_field_chars}
    item = object_schema(
        {"what": text, "who": {"type": "string", "enum": list(WHO)}, "by_when": {**text, "maxLength": 60}}
    )
    return LLMRequest(
        key=key,
        purpose="summary",
        system=system,
        user=fenced("notes" if draft.notes else "transcript", draft.parts[0]),
        schema=object_schema(
            {
                "reason": text,
                "done": text,
                "outcome": text,
                "key_points": strings_schema(settings.max_key_points, settings.max_field_chars),
                "action_items": {"type": "array", "items": item, "maxItems": settings.max_action_items},
                "next_step": text,
            }
        ),
        max_tokens=settings.max_tokens,
        source=draft.source,
    )
