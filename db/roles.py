"""Read-only database roles for analysts, with and without what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from db.tables import RELATIONS
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from psycopg import Connection

    from db.connection import Database

READER = "earshot_reader"
READER_NO_TEXT = "earshot_reader_no_text"

READABLE: dict[str, tuple[str, ...]] = {
    READER: RELATIONS,
    READER_NO_TEXT: tuple(name for name in RELATIONS if name.endswith("_without_text")),
}
"""What each group role may read."""


def grant_readers(database: Database) -> list[str]:
    """Make the two group roles and let them read; safe to repeat. Returns what was granted, a line a role.

    Raises ConfigurationError, with the SQL for an administrator, when our account may not make roles.
    """
    from psycopg import errors

    try:
        database.patiently(_grant)
    except errors.InsufficientPrivilege as error:
        raise ConfigurationError(
            f"database {database.name}: this account may not make roles ({error.diag.message_primary}); let an "
            f"administrator run: CREATE ROLE {READER} NOLOGIN; CREATE ROLE {READER_NO_TEXT} NOLOGIN; then repeat"
        ) from error
    return [f"{role} reads {', '.join(relations)}" for role, relations in READABLE.items()]


def create_reader(database: Database, name: str, password: str, *, with_text: bool) -> None:
    """A login for an analyst, member of one of the two groups; an existing one gets the password and the group.

    Raises ConfigurationError when our account may not make roles.
    """
    from psycopg import errors, sql

    grant_readers(database)
    group, other = (READER, READER_NO_TEXT) if with_text else (READER_NO_TEXT, READER)

    def work(connection: Connection[Any]) -> None:
        verb = "ALTER" if _exists(connection, name) else "CREATE"
        connection.execute(
            sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(sql.SQL(verb), sql.Identifier(name), sql.Literal(password))
        )
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(name)))
        connection.execute(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(other), sql.Identifier(name)))
        # A reader that never writes; a mistyped join does not keep the server busy for ever.
        connection.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(sql.Identifier(name)))

    try:
        database.patiently(work)
    except errors.InsufficientPrivilege as error:
        raise ConfigurationError(f"database {database.name}: cannot make the role {name}: {error}") from error


def _exists(connection: Connection[Any], role: str) -> bool:
    return connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is not None


def _grant(connection: Connection[Any]) -> None:
    from psycopg import sql

    schema = connection.execute("SELECT current_schema()").fetchone()
    where = sql.Identifier(str(schema[0]) if schema else "public")
    for role, relations in READABLE.items():
        group = sql.Identifier(role)
        if not _exists(connection, role):
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(group))
        connection.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM {}").format(where, group))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(where, group))
        for relation in relations:
            connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(relation), group))
