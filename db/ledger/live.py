"""Live calls in PostgreSQL: what `pipeline.live.ports.LiveStore` asks for. Each method is one transaction."""

from __future__ import annotations

import dataclasses
import uuid
from typing import TYPE_CHECKING, Any

from db.ask import change
from db.connection import Database
from db.ledger.values import clean, json_parameter

if TYPE_CHECKING:
    from psycopg import Connection

    from pipeline.live.events import Analysis, Turn
    from pipeline.live.ports import LiveHeader


class PostgresLiveStore:
    """`LiveStore` on a Database, which whoever opened it closes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, header: LiveHeader) -> None:
        said = header.start.metadata
        change(
            self._database,
            """INSERT INTO live_calls (session, started_at, file_name, roles, direction, agent_id, customer_segment,
                   queue, language, metadata) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING""",
            [
                header.session,
                header.started_at,
                header.file_name,
                [str(role) for role in header.start.roles],
                said.direction,
                clean(said.agent_id),
                said.customer_segment,
                clean(said.queue),
                clean(said.language),
                json_parameter(dict(said.extra)),
            ],
        )

    def add_turn(self, session: str, turn: Turn) -> None:
        """A turn of a call whose ordinary rows are there already is left out: it is told in them."""
        columns = {
            "channel": turn.track,
            **{name: clean(getattr(turn, name)) for name in _OF_TURN},
            "flags": list(turn.flags),
            "mood": turn.mood.label,
            "mood_probabilities": json_parameter(dict(turn.mood.probabilities)) if turn.mood.probabilities else None,
            "mood_reason": clean(turn.mood.reason),
        }
        change(
            self._database,
            f"""INSERT INTO live_turns (session, {", ".join(columns)})
                SELECT session, {", ".join(["%s"] * len(columns))} FROM live_calls
                WHERE session = %s AND call_id IS NULL ON CONFLICT DO NOTHING""",  # noqa: S608
            [*columns.values(), session],
        )

    def handed_over(self, session: str, source_uri: str | None, job: str | None) -> None:
        change(
            self._database,
            "UPDATE live_calls SET source_uri = %s, job = %s WHERE session = %s",
            [source_uri, job, session],
        )

    def end(self, session: str, reason: str, duration_s: float | None, analysis: Analysis | None) -> None:
        change(
            self._database,
            """UPDATE live_calls SET ended_at = coalesce(ended_at, now()), end_reason = %s,
                   duration_s = coalesce(%s, duration_s) WHERE session = %s""",
            [reason, duration_s, session],
        )
        if analysis is None:
            return
        told = clean(dataclasses.asdict(analysis))
        change(
            self._database,
            """UPDATE live_calls SET topic = %s, subtopic = %s, summary = %s, moods = %s, missing_reasons = %s
               WHERE session = %s AND call_id IS NULL""",
            [
                told["topic"],
                told["subtopic"],
                told["summary"],
                json_parameter(told["moods"]),
                json_parameter(told["missing"]),
                session,
            ],
        )


_OF_TURN = ("ordinal", "role", "start_s", "end_s", "text", "language", "confidence")


def belongs_to(connection: Connection[Any], call_id: uuid.UUID, file_name: str) -> None:
    """A call has a row: where it was heard live, that is known from now on."""
    connection.execute("UPDATE live_calls SET call_id = %s WHERE file_name = %s", [call_id, file_name])


def replace(connection: Connection[Any], call_id: uuid.UUID, file_name: str) -> None:
    """A call has its ordinary rows: what was told of it live goes."""
    connection.execute(
        """UPDATE live_calls SET call_id = %s, topic = NULL, subtopic = NULL, summary = NULL, moods = '{}',
               missing_reasons = '{}' WHERE file_name = %s""",
        [call_id, file_name],
    )
    connection.execute(
        "DELETE FROM live_turns USING live_calls l WHERE l.session = live_turns.session AND l.file_name = %s",
        [file_name],
    )
