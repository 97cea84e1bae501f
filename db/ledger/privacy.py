"""What must leave the database when stored text is to be redacted (`redaction.redact_stored`)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from db.connection import Database

_TRANSCRIPTS = """
    DELETE FROM transcripts t
    WHERE t.created_at < (SELECT started_at FROM runs WHERE run_id = %s)
      AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.transcript_fingerprint = t.fingerprint)
"""
_SEGMENTS = "DELETE FROM finished_segments"


def drop_superseded_text(database: Database, run_id: str) -> int:
    """Remove earlier runs' transcripts that no call shows any more, and finished segments of calls not finished.

    Both hold text as it was recognised: transcripts from before the setting was switched on, and segments until their
    call's transcript is stored. For the end of a run, whose lock keeps other runs away. Returns the number of
    transcripts removed.
    """
    with database.connection() as connection, connection.transaction():
        connection.execute(_SEGMENTS)
        return connection.execute(_TRANSCRIPTS, [uuid.UUID(run_id)]).rowcount
