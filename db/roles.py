"""Read-only database roles for analysts, with and without what was said.

Privileges protect, not settings: a login can change its settings. On the embedded server what every login may do by
default (advisory locks, large objects, temporary tables, other databases) is revoked as well. Nothing is revoked on
another server; its owner is told instead.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from psycopg import errors, sql
from psycopg.rows import scalar_row, tuple_row

from db.ask import Patient, ask, question
from db.embedded.rights import GROUPS, READER, READER_NO_TEXT, limit_reader
from db.tables import RELATIONS
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from psycopg import Connection

log = logging.getLogger(__name__)


READABLE: dict[str, tuple[str, ...]] = {
    READER: RELATIONS,
    READER_NO_TEXT: tuple(name for name in RELATIONS if name.endswith("_without_text")),
}
"""What each group role may read."""


class Granting(Patient, Protocol):
    """A database whose owner we are, such as `db.connection.Database`."""

    @property
    def name(self) -> str:
        """For messages, without a password."""
        ...

    @property
    def server(self) -> object | None:
        """The embedded server; None where it is somebody else's."""
        ...


def grant_readers(database: Granting) -> list[str]:
    """Make the two group roles and let them read; safe to repeat. Returns lines for the user: what was granted.

    Raises ConfigurationError, with the SQL for an administrator, when our account may not make roles, and when a role
    of this name may do more than read.
    """
    try:
        database.patiently(_grant)
    except errors.InsufficientPrivilege as error:
        raise ConfigurationError(
            f"database {database.name}: this account may not make roles ({error.diag.message_primary}); let an "
            f"administrator run: CREATE ROLE {READER} NOLOGIN; CREATE ROLE {READER_NO_TEXT} NOLOGIN; then repeat"
        ) from error
    lines = [f"{role} reads {', '.join(relations)}" for role, relations in READABLE.items()]
    return [*lines, *left_to_readers(database)]


def renew_readers(database: Granting) -> None:
    """After a migration: readers that exist may read what it made. Only told where this account cannot."""
    try:
        if readers_exist(database):
            database.patiently(_grant)
    except (psycopg.Error, ConfigurationError) as error:
        log.warning("database %s: readers may not read new tables yet (%s); run `db grant`", database.name, error)


def create_reader(database: Granting, name: str, password: str, *, with_text: bool) -> None:
    """A login for an analyst, member of one of the two groups; an existing one gets the password and the group.

    Raises ConfigurationError when our account may not make roles, and when `name` is a login that may do more.
    """
    grant_readers(database)
    group, other = (READER, READER_NO_TEXT) if with_text else (READER_NO_TEXT, READER)

    def work(connection: Connection[Any]) -> None:
        _refuse_more_than_reading(connection, name)
        verb = "ALTER" if _exists(connection, name) else "CREATE"
        login = sql.Identifier(name)
        connection.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(sql.SQL(verb), login, sql.Literal(password)))
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), login))
        connection.execute(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(other), login))
        # Against mistakes only: the login can switch it off again.
        connection.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(login))
        if database.server is not None:
            limit_reader(connection, name)

    try:
        database.patiently(work)
    except errors.InsufficientPrivilege as error:
        raise ConfigurationError(f"database {database.name}: cannot make the role {name}: {error}") from error


def left_to_readers(database: Granting) -> list[str]:
    """What a reader's login may do besides reading on a server that is not ours, and how its owner takes that away."""
    if database.server is not None:
        return []
    rights = ask(database, "database/rights_of_all", tuple_row)
    if not rights:
        return []
    may = ", ".join(sorted({may for may, _ in rights}))
    statements = "; ".join(statement for _, statement in rights if "FUNCTION" not in statement)
    return [
        f"this server is not Earshot's own and is left as it is: every login of it, a reader's too, may {may}. Its "
        f"administrator can take that away: {statements or 'nothing but functions'}; and REVOKE EXECUTE ON FUNCTION … "
        "FROM PUBLIC for the functions pg_advisory_…, pg_try_advisory_…, lo_…, loread, lowrite, pg_export_snapshot and "
        "pg_logical_emit_message, where the account of database.url keeps those for advisory locks"
    ]


def readers_exist(database: Granting) -> bool:
    """Whether `db grant` has been used here."""
    return database.patiently(lambda connection: _exists(connection, READER))


def _exists(connection: Connection[Any], role: str) -> bool:
    return connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is not None


def _refuse_more_than_reading(connection: Connection[Any], role: str) -> None:
    with connection.cursor(row_factory=scalar_row) as cursor:
        cursor.execute(question("database/more_than_reading"), {"role": role, "groups": list(GROUPS)})
        reasons = cursor.fetchall()
    if reasons:
        raise ConfigurationError(
            f"db grant: the role {role} may do more than read ({'; '.join(reasons)}); give the analyst another login"
        )


def _grant(connection: Connection[Any]) -> None:
    schema = connection.execute("SELECT current_schema()").fetchone()
    where = sql.Identifier(str(schema[0]) if schema else "public")
    for role, relations in READABLE.items():
        group = sql.Identifier(role)
        _refuse_more_than_reading(connection, role)
        if not _exists(connection, role):
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(group))
        connection.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM {}").format(where, group))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(where, group))
        for relation in relations:
            connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(relation), group))
