"""Stable call ids: an address keeps its id when the bytes change, moved bytes keep theirs at the new address."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import Connection

NAMESPACE = uuid.UUID("6f0d7f5e-6f5b-4a6e-9d55-0e8a3c1b7a20")


def first_id(source_uri: str) -> uuid.UUID:
    """The id of the first call at an address."""
    return uuid.uuid5(NAMESPACE, source_uri)


def address_id(connection: Connection[Any], source_uri: str, audio_sha256: str) -> uuid.UUID:
    """The id of the call at an address, or the one a new call there will have.

    Computed from the address, so that an interrupted run and an undisturbed one give the same ids. The content is
    added only when that id has moved away with its recording.
    """
    candidates = [uuid.uuid5(NAMESPACE, name) for name in (source_uri, f"{source_uri}\n{audio_sha256}")]
    rows = connection.execute(
        "SELECT call_id, source_uri = %(uri)s FROM calls WHERE source_uri = %(uri)s OR call_id = ANY(%(ids)s)",
        {"uri": source_uri, "ids": candidates},
    ).fetchall()
    known = next((call_id for call_id, same in rows if same), None)
    if known is not None:
        return uuid.UUID(str(known))
    taken = {call_id for call_id, _ in rows}
    return next((candidate for candidate in candidates if candidate not in taken), uuid.uuid4())


def claim(
    connection: Connection[Any], source_uri: str, file_name: str, audio_sha256: str, moved_from: str | None
) -> str:
    """The id of a recording; with `moved_from` that call's address is changed to the new one.

    An address that has a call of its own keeps it, even when another call's bytes moved there. Of several copies at new
    addresses one gets the call: it is not taken from an address that is being worked on.
    """
    if moved_from is not None:
        moved = connection.execute(
            """UPDATE calls SET source_uri = %(uri)s, file_name = %(name)s
               WHERE call_id = %(call)s AND NOT EXISTS (SELECT 1 FROM calls WHERE source_uri = %(uri)s)
                   AND NOT EXISTS (SELECT 1 FROM claims WHERE claims.source_uri = calls.source_uri)
               RETURNING call_id""",
            {"uri": source_uri, "name": file_name, "call": uuid.UUID(moved_from)},
        ).fetchone()
        if moved is not None:
            return str(moved[0])
    return str(address_id(connection, source_uri, audio_sha256))
