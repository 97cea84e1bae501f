"""What logins may do on a server of our own: less than PostgreSQL lets them, and readers least."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.rows import scalar_row, tuple_row

from db.ask import question

if TYPE_CHECKING:
    from psycopg import Connection


READER = "earshot_reader"
READER_NO_TEXT = "earshot_reader_no_text"
GROUPS = (READER, READER_NO_TEXT)
"""Roles whose members are readers."""
LIMITS: dict[str, str] = {
    "temp_file_limit": "4GB",
    "log_min_messages": "panic",
    "log_min_error_statement": "panic",
}
"""What a reader may write to disk on the embedded server: so much for one query, and nothing into the server's log,
where each mistaken statement would stand. Only a superuser can change these settings."""
MOST_CONNECTIONS = 20
"""Of one reader; a third of what the embedded server takes."""


def revoke_from_all(connection: Connection[Any]) -> None:
    """Take away what every login may do by default, and limit the readers there are."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        for _, statement in cursor.execute(question("database/rights_of_all"), {}).fetchall():
            connection.execute(statement)
    with connection.cursor(row_factory=scalar_row) as cursor:
        for login in cursor.execute(question("database/readers"), {"groups": list(GROUPS)}).fetchall():
            limit_reader(connection, login)


def limit_reader(connection: Connection[Any], login: str) -> None:
    """Give a reader's login LIMITS and MOST_CONNECTIONS."""
    role = sql.Identifier(login)
    connection.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(role, sql.Literal(MOST_CONNECTIONS)))
    for setting, value in LIMITS.items():
        words = sql.SQL("ALTER ROLE {} SET {} = {}")
        connection.execute(words.format(role, sql.Identifier(setting), sql.Literal(value)))
