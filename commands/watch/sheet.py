"""The sheet on which people correct calls: a row per stretch of speech."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from analysis.redaction.stored import without_personal_data
from commands.sheets import rows_of, write_sheet_of
from db.export.cells import cell_text
from db.export.columns import Column, Kind, Table
from db.queries import reading
from db.queries.references import heard_turns, save_reference
from db.queries.watch import CallToCorrect
from pages.words import chunk_flag
from pipeline.errors import ConfigurationError
from pipeline.masking import excerpt
from pipeline.moments import clock
from pipeline.plurals import counted
from pipeline.records import DOUBTFUL
from pipeline.roles import ROLE_NAMES

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.root import Settings

SHEET = Table(
    name="quality_watch",
    title="Quality watch",
    columns=(
        Column("file_name", "Recording", width=32),
        Column("started_at", "Began", Kind.MOMENT, 17),
        Column("agent_id", "Agent", width=10),
        Column("at", "At", width=8),
        Column("role", "Who", width=10),
        Column("heard", "Heard by the machine", Kind.PROSE, 60),
        Column("said", "What was said (correct this)", Kind.PROSE, 60),
        Column("checked_by", "Checked by (your name, once per call)", width=20),
        Column("doubts", "In doubt because", Kind.PROSE, 24),
        Column("call_id", "Call", width=38),
        Column("channel", "Channel", width=8),
        Column("ordinal", "Place", width=8),
        Column("transcript", "Transcript", width=16),
    ),
    for_people=True,
)
_NEEDED = ("call_id", "channel", "ordinal", "said", "checked_by", "transcript")
_NAMED_TRANSCRIPT = 16
"""Characters of a fingerprint that tell one transcript of a call from another."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """What came back on a sheet."""

    saved: int
    """Calls."""
    unchecked: int
    """Calls without a name in `checked_by`."""
    left_out: tuple[str, ...] = ()
    """Calls that could not be kept, and why."""


@dataclass(slots=True)
class _CorrectedCall:
    transcript: str
    said: dict[tuple[int, int], str] = field(default_factory=dict)
    by: str = ""


def write_corrections_sheet(database: Database, settings: Settings, calls: Sequence[CallToCorrect], path: Path) -> int:
    """Write these calls for people to correct; returns the number of rows. Raises OutputUnavailable."""
    rows = [row for call in calls for row in _rows(database, settings, call)]
    write_sheet_of(rows, SHEET, path, ZoneInfo(settings.input.timezone))
    return len(rows)


def _rows(database: Database, settings: Settings, listed: CallToCorrect) -> list[dict[str, Any]]:
    shown = reading.shown_call(database, uuid.UUID(listed.call_id))
    if shown is None or shown.transcript_fingerprint is None:
        return []
    chunks = reading.shown_chunks(database, uuid.UUID(listed.call_id))
    doubts = {
        (chunk.channel, chunk.ordinal): "; ".join(chunk_flag(flag) for flag in chunk.flags if flag in DOUBTFUL)
        for chunk in chunks
    }
    turns = heard_turns(shown, chunks)
    texts = without_personal_data([turn.text for turn in turns], [turn.role for turn in turns], settings)
    return [
        {
            "file_name": shown.file_name,
            "started_at": shown.started_at,
            "agent_id": shown.agent_id,
            "at": clock(turn.start_s),
            "role": ROLE_NAMES[turn.role],
            "heard": text,
            "said": text,
            "checked_by": None,
            "doubts": doubts.get((turn.channel, turn.ordinal)) or None,
            "call_id": shown.call_id,
            "channel": str(turn.channel),
            "ordinal": str(turn.ordinal),
            "transcript": shown.transcript_fingerprint[:_NAMED_TRANSCRIPT],
        }
        for turn, text in zip(turns, texts, strict=True)
    ]


def read_corrections(database: Database, settings: Settings, path: Path) -> Corrections:
    """Keep the calls of a filled sheet that somebody has checked.

    Raises ConfigurationError with file, row and column for what cannot be read; then nothing is kept.
    """
    corrected = _corrected_calls(path)
    checked = {call: corrected_call for call, corrected_call in corrected.items() if corrected_call.by}
    left_out = []
    saved = 0
    for call, corrected_call in checked.items():
        trouble = _keep(database, settings, uuid.UUID(call), corrected_call)
        saved += trouble is None
        if trouble is not None:
            left_out.append(f"call {call}: {trouble}")
    return Corrections(saved, len(corrected) - len(checked), tuple(left_out))


def _corrected_calls(path: Path) -> Mapping[str, _CorrectedCall]:
    found: dict[str, _CorrectedCall] = {}
    for number, row in rows_of(path, SHEET, _NEEDED):
        where = f"{path}, row {number}"
        try:
            call = str(uuid.UUID(row["call_id"]))
            place = int(float(row["channel"])), int(float(row["ordinal"]))
        except (ValueError, OverflowError):
            told = ", ".join(excerpt(row[name], 40) or "(empty)" for name in ("call_id", "channel", "ordinal"))
            raise ConfigurationError(
                f"{where}: call, channel and place are {told}; leave those columns and the rows as they were written"
            ) from None
        corrected_call = found.setdefault(call, _CorrectedCall(row["transcript"]))
        if place in corrected_call.said:
            raise ConfigurationError(f"{where}: this stretch of call {call} appears twice")
        corrected_call.said[place] = _as_typed(row["said"])
        corrected_call.by = corrected_call.by or " ".join(row["checked_by"].split())
    if not found:
        raise ConfigurationError(f"{path}: holds no call")
    return found


def _as_typed(cell: str) -> str:
    """Without the apostrophe that kept a spreadsheet from reading a formula."""
    text = " ".join(cell.split())
    return text[1:] if text.startswith("'") and cell_text(text[1:]) == text else text


def _keep(database: Database, settings: Settings, call_id: uuid.UUID, corrected_call: _CorrectedCall) -> str | None:
    """Returns why it cannot be kept."""
    shown = reading.shown_call(database, call_id)
    if shown is None or shown.transcript_fingerprint is None:
        return "is not in the database any more"
    if not shown.transcript_fingerprint.startswith(corrected_call.transcript) or not corrected_call.transcript:
        return "has another transcript by now than the one on the sheet; write a new sheet"
    turns = heard_turns(shown, reading.shown_chunks(database, call_id))
    missing = [turn for turn in turns if (turn.channel, turn.ordinal) not in corrected_call.said]
    if missing:
        return (
            f"lacks {counted(len(missing), 'row')}, the first at {clock(missing[0].start_s)}; where nothing was said, "
            "empty the cell and leave the row"
        )
    if len(corrected_call.said) > len(turns):
        return "has rows that the sheet did not have; write what was missed into the row before it"
    texts = without_personal_data(
        [corrected_call.said[turn.channel, turn.ordinal] for turn in turns],
        [turn.role for turn in turns],
        settings,
    )
    kept = save_reference(
        database,
        call_id,
        shown.transcript_fingerprint,
        [replace(turn, text=text) for turn, text in zip(turns, texts, strict=True)],
        by=corrected_call.by,
        source="sheet",
    )
    return None if kept is not None else "was changed meanwhile; read the sheet again"
