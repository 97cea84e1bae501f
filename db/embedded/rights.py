"""What every login may do by default, taken away on a server of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.rows import tuple_row

from db.ask import question

if TYPE_CHECKING:
    from psycopg import Connection


def revoke_from_all(connection: Connection[Any]) -> None:
    """Take away what every login may do by default."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        for _, statement in cursor.execute(question("database/rights_of_all"), {}).fetchall():
            connection.execute(statement)
