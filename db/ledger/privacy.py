"""What must leave the database when stored text is to be redacted (`redaction.redact_stored`)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from db.connection import Database

_TRANSCRIPTS = """
    DELETE FROM transcripts t
    WHERE t.created_at < (SELECT min(started_at) FROM runs WHERE run_id = %(run)s OR state = 'running')
      AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.transcript_fingerprint = t.fingerprint)
"""
_SEGMENTS = """
    DELETE FROM finished_segments
    WHERE NOT EXISTS (SELECT 1 FROM runs WHERE state = 'running' AND run_id <> %(run)s)
"""
_REFERENCES = """
    DELETE FROM human_references r USING calls c
    WHERE c.call_id = r.call_id AND c.transcript_fingerprint IS DISTINCT FROM r.transcript_fingerprint
      AND NOT EXISTS (SELECT 1 FROM transcripts t WHERE t.fingerprint = r.transcript_fingerprint)
"""


def drop_superseded_text(database: Database, run_id: str) -> int:
    """Remove earlier runs' transcripts that no call shows any more, and finished segments of calls not finished.

    People's corrections of such a transcript go with it. All of them hold text as it was recognised: transcripts from
    before the setting was switched on, and segments until their call's transcript is stored. For the end of a run.
    While another run is under way the segments and its transcripts stay: that run does the same at its end. Returns
    the number of transcripts removed.
    """
    with database.connection() as connection, connection.transaction():
        connection.execute(_SEGMENTS, {"run": uuid.UUID(run_id)})
        dropped = connection.execute(_TRANSCRIPTS, {"run": uuid.UUID(run_id)}).rowcount
        connection.execute(_REFERENCES)
        return dropped
