"""Corrections: what people heard in calls, kept beside the transcripts as their reference."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from db.ask import ask
from db.ledger.values import clean
from db.queries.reading import ShownCall, ShownChunk
from db.records import record_row
from pipeline.records import Role

if TYPE_CHECKING:
    from psycopg import Connection

    from db.connection import Database

Source = Literal["page", "sheet"]
_SIDES_ON_ONE = frozenset({"mono", "dual_mono", "diarised", "not_diarised"})
"""Flags of calls whose channels are not their sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceTurn:
    """A stretch of speech with the words that a person heard in it."""

    channel: int
    ordinal: int
    role: Role
    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A correction of a call."""

    reference_id: int
    call_id: str
    transcript_fingerprint: str
    audio_sha256: str | None
    language: str | None
    written_by: str
    written_at: datetime
    source: Source
    turns: tuple[ReferenceTurn, ...]
    """In order of time."""


def reference_of(database: Database, call_id: uuid.UUID) -> Reference | None:
    """The newest correction of the call's recording as it is now; None where there is none."""
    return next(iter(ask(database, "watch/reference", record_row(Reference), call_id=call_id)), None)


def save_reference(
    database: Database,
    call_id: uuid.UUID,
    transcript_fingerprint: str,
    turns: Iterable[ReferenceTurn],
    *,
    by: str,
    source: Source,
) -> int | None:
    """Keep a correction beside the earlier ones; returns its number.

    None where the call is gone, or has another transcript by now than the one that was corrected.
    """
    rows = [(turn.channel, turn.ordinal, turn.role.value, turn.start_s, turn.end_s, clean(turn.text)) for turn in turns]

    def work(connection: Connection[Any]) -> int | None:
        made = connection.execute(
            """INSERT INTO human_references (call_id, transcript_fingerprint, audio_sha256, language, written_by,
                   source)
               SELECT call_id, transcript_fingerprint, audio_sha256, language, %(by)s, %(source)s FROM calls
               WHERE call_id = %(call)s AND transcript_fingerprint = %(transcript)s
               RETURNING reference_id""",
            {"by": clean(by), "source": source, "call": call_id, "transcript": transcript_fingerprint},
        ).fetchone()
        if made is None:
            return None
        (number,) = made
        with connection.cursor() as cursor:
            cursor.executemany(
                """INSERT INTO human_reference_turns (reference_id, channel, ordinal, role, start_s, end_s, text)
                   VALUES (%s, %s, %s, %s, %s, %s, %s)""",
                [(number, *row) for row in rows],
            )
        return int(number)

    return database.patiently(work)


def heard_turns(call: ShownCall, chunks: Sequence[ShownChunk]) -> list[ReferenceTurn]:
    """What a person corrects: the stretches of the transcript, in order of time; a channel of its own on which nothing
    was heard has an empty one over the whole call."""
    turns = [
        ReferenceTurn(
            channel=chunk.channel,
            ordinal=chunk.ordinal,
            role=chunk.role,
            start_s=chunk.start_s,
            end_s=chunk.end_s,
            text=" ".join(chunk.text.split()),
        )
        for chunk in chunks
    ]
    if not _SIDES_ON_ONE.isdisjoint(call.flags):
        return turns
    silent = set(range(call.channels or 0)) - {chunk.channel for chunk in chunks}
    spoken = {chunk.role for chunk in chunks}
    other = {Role.AGENT: Role.CLIENT, Role.CLIENT: Role.AGENT}.get(next(iter(spoken), Role.UNKNOWN), Role.UNKNOWN)
    role = other if len(spoken) == 1 and len(silent) == 1 else Role.UNKNOWN
    return turns + [
        ReferenceTurn(channel=channel, ordinal=0, role=role, start_s=0.0, end_s=call.duration_s or 0.0, text="")
        for channel in sorted(silent)
    ]
