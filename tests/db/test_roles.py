"""Who may read what was said, and that a reader can do nothing else, whatever it sets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from commands.doctor.finding import State
from commands.doctor.services import database as examined
from db.connection import Database, connect
from db.embedded.rights import LIMITS, READER, READER_NO_TEXT, revoke_from_all
from db.embedded.server import EmbeddedServer
from db.migrate import SCHEMA, migrate
from db.roles import create_reader, grant_readers, left_to_readers
from pipeline.config.areas.database import DatabaseSettings
from pipeline.errors import ConfigurationError


@pytest.fixture
def reader_names(database: Database) -> Iterator[tuple[str, str]]:
    names = ("test_reader", "test_reader_no_text")
    yield names
    drop_roles(database)


def drop_roles(database: Database) -> None:
    with database.connection() as connection:
        for name in ("test_reader", "test_reader_no_text", "test_plain", READER, READER_NO_TEXT):
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
                connection.execute(f'DROP OWNED BY "{name}"'.encode())
                connection.execute(f'DROP ROLE "{name}"'.encode())


WRITING = (
    "DELETE FROM calls",
    "UPDATE runs SET host = 'x'",
    "INSERT INTO runs_without_text DEFAULT VALUES",
    "TRUNCATE call_steps",
    "CREATE TABLE mine (id int)",
    "CREATE SCHEMA mine",
    "SELECT call_id FROM calls FOR UPDATE",
    "DROP TABLE runs",
)
BEYOND_READING = (
    *(f"SELECT pg_{tried}advisory_{kind}lock{shared}({key})"
      for tried in ("", "try_") for kind in ("", "xact_") for shared in ("", "_shared") for key in ("1", "1, 2")),
    "SELECT lo_create(0)",
    "SELECT lo_creat(-1)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_import('/etc/hostname')",
    "SELECT pg_logical_emit_message(false, 'x', repeat('x', 1000))",
    "CREATE TEMPORARY TABLE mine (id int)",
    "CREATE TEMPORARY TABLE mine AS SELECT 1",
    "SET temp_file_limit = -1",
    "SET ROLE earshot",
    "SET SESSION AUTHORIZATION earshot",
    "ALTER ROLE test_reader SUPERUSER",
    "COPY (SELECT 1) TO '/tmp/x'",
    "DO $$ BEGIN RAISE LOG 'x'; END $$",
    "SELECT pg_export_snapshot()",
    "SET log_min_messages = 'error'",
    "SET log_min_error_statement = 'error'",
    "ALTER ROLE test_reader SET temp_file_limit = -1",
    "ALTER ROLE test_reader RESET log_min_messages",
    "ALTER ROLE test_reader CONNECTION LIMIT -1",
)  # fmt: skip
"""What no privilege on a table stops: the run's lock, large objects, temporary tables, another role."""


def as_user(url: str, name: str) -> psycopg.Connection[tuple[object, ...]]:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return psycopg.connect(urlunsplit(parts._replace(netloc=f"{name}:pw@{host}")), autocommit=True)


def test_readers_read_and_nothing_else(talk: str, database: Database, url: str, reader_names: tuple[str, str]) -> None:
    with_text, without = reader_names
    create_reader(database, with_text, "pw", with_text=True)
    create_reader(database, without, "old", with_text=True)
    create_reader(database, without, "pw", with_text=False)  # changed his job
    with as_user(url, with_text) as connection:
        assert connection.execute("SELECT count(*) FROM chunks WHERE text <> ''").fetchone() == (3,)
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        connection.execute("SET default_transaction_read_only = off")
        for statement in WRITING:
            with pytest.raises(InsufficientPrivilege):
                connection.execute(statement)
    with as_user(url, without) as connection:
        assert connection.execute("SELECT count(*) FROM calls_without_text").fetchone() == (2,)
        assert connection.execute("SELECT count(*) FROM chunks_without_text").fetchone() == (3,)
        for relation in ("calls", "chunks", "transcript_chunks", "call_steps", "finished_segments", "runs"):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(f"SELECT * FROM {relation}".encode())


def test_views_without_text_hold_no_words(talk: str, database: Database) -> None:
    with database.connection() as connection:
        for view in ("calls_without_text", "chunks_without_text", "steps_without_text", "runs_without_text"):
            shown = str(connection.execute(f"SELECT * FROM {view}".encode()).fetchall())
            assert "charged" not in shown
            assert "twice" not in shown


def test_an_account_that_may_not_make_roles_is_told(
    database: Database, url: str, reader_names: tuple[str, str]
) -> None:
    with database.connection() as connection:
        connection.execute("CREATE ROLE test_plain LOGIN PASSWORD 'pw'")
    parts = urlsplit(url)
    plain = urlunsplit(parts._replace(netloc=f"test_plain:pw@{parts.netloc.rpartition('@')[2]}"))
    with Database(database.settings, plain, None) as weak, pytest.raises(ConfigurationError, match="CREATE ROLE"):
        grant_readers(weak)


@pytest.fixture
def own(open_folder: Path, server: EmbeddedServer, reader_names: tuple[str, str]) -> Iterator[Database]:
    """The embedded server's own database, as a run opens it."""
    with connect(DatabaseSettings(data_dir=open_folder / "server")) as database:
        yield database
        drop_roles(database)


def test_on_our_own_server_a_reader_can_hold_no_lock_and_fill_no_disk(own: Database) -> None:
    """A reader's login could take the run's lock, and store large objects until the disk was full."""
    assert grant_readers(own) == grant_readers(own)
    assert not any("not Earshot's own" in line for line in grant_readers(own))
    create_reader(own, "test_reader", "pw", with_text=True)
    with as_user(own.url, "test_reader") as connection:
        connection.execute("SET default_transaction_read_only = off")
        assert connection.execute("SELECT count(*) FROM calls").fetchone() == (0,)
        for statement in (*WRITING, *BEYOND_READING):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(statement.encode())
        connection.execute(f"SET ROLE {READER}")
        with pytest.raises(InsufficientPrivilege):
            connection.execute("DELETE FROM calls")
        connection.execute("RESET ROLE; ALTER ROLE test_reader RESET ALL")
    with own.connection() as connection:
        connection.execute("ALTER ROLE test_reader RESET temp_file_limit")
        connection.execute("ALTER ROLE test_reader RESET log_min_messages")
        revoke_from_all(connection)
    with as_user(own.url, "test_reader") as connection:
        for setting, value in LIMITS.items():
            assert connection.execute(f"SHOW {setting}".encode()).fetchone() == (value,)
        for mistake in ("SELECT 'a word for the log'::int", "SELECT 'a word for the log' FROM nowhere"):
            with pytest.raises(psycopg.DatabaseError):
                connection.execute(mistake.encode())
        assert isinstance(own.server, EmbeddedServer)
        assert "a word for the log" not in own.server.files().log_file.read_text(encoding="utf-8")
        connection.execute("LISTEN x")
        connection.execute("BEGIN")
        notify = "SELECT pg_notify('x', n || repeat('x', 7900)) FROM generate_series(1, 200) n"
        with as_user(own.url, "test_reader") as writing, pytest.raises(psycopg.DatabaseError, match="NOTIFY queue"):
            writing.execute(notify)
    for other in ("postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            as_user(urlunsplit(urlsplit(own.url)._replace(path=f"/{other}")), "test_reader")


def test_a_run_still_takes_its_lock_on_a_server_of_ours(own: Database) -> None:
    with own.connection() as connection:
        assert connection.execute("SELECT pg_try_advisory_lock(1), pg_advisory_unlock(1)").fetchone() == (True, True)
        connection.execute("CREATE TEMPORARY TABLE mine (id int)")


def test_another_server_is_left_as_it_is_and_its_owner_told(database: Database, reader_names: tuple[str, str]) -> None:
    with database.connection() as connection:
        connection.execute("GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint), lo_create(oid) TO PUBLIC")
    rights = """SELECT datacl, (SELECT array_agg(proacl::text) FROM pg_proc) FROM pg_database
                WHERE datname = current_database()"""
    with database.connection() as connection:
        before = connection.execute(rights).fetchone()
    (told,) = [line for line in grant_readers(database) if "not Earshot's own" in line]
    for right in (
        "advisory locks, the run's own too",
        "large objects",
        "temporary tables",
        "REVOKE TEMPORARY ON DATABASE",
    ):
        assert right in told
    create_reader(database, "test_reader", "pw", with_text=False)
    with database.connection() as connection:
        assert connection.execute(rights).fetchone() == before
    assert left_to_readers(database) == [told]
    finding = examined(database.settings)
    assert finding.state is State.WARNING
    assert told in finding.detail


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ("", "the account Earshot works under"),
        ("CREATE ROLE test_plain LOGIN CREATEDB", "may make roles or databases"),
        ("CREATE ROLE test_plain LOGIN IN ROLE pg_write_all_data", "member of pg_write_all_data"),
    ],
)
def test_a_login_that_may_do_more_is_not_made_a_reader(
    database: Database, reader_names: tuple[str, str], made: str, reason: str
) -> None:
    """`db grant --login earshot` gave Earshot's own account the analyst's password and made it read-only."""
    with database.connection() as connection:
        if made:
            connection.execute(made.encode())
    with pytest.raises(ConfigurationError, match=reason):
        create_reader(database, "test_plain" if made else "earshot", "pw", with_text=True)
    with database.connection() as connection:
        settings = connection.execute("SELECT rolconfig FROM pg_roles WHERE rolname = 'earshot'").fetchone()
    assert settings == (None,)


def test_readers_may_read_what_a_migration_makes(empty_url: str, tmp_path: Path) -> None:
    """Views of a new version were refused to analysts until somebody ran `db grant` again."""
    before = tmp_path / "schema"
    before.mkdir()
    for path in sorted(SCHEMA.glob("*.sql")):
        if path.name < "012":
            (before / path.name).write_bytes(path.read_bytes())
    migrate(empty_url, before)
    settings = DatabaseSettings(url=empty_url, patience_s=5)
    with Database(settings, empty_url, None) as database, database.connection() as connection:
        for role in (READER, READER_NO_TEXT):
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
                connection.execute(f"CREATE ROLE {role} NOLOGIN".encode())
    with connect(settings) as database, database.connection() as connection:
        rights = connection.execute(
            """SELECT has_table_privilege(%s, 'daily', 'SELECT'), has_table_privilege(%s, 'calls', 'SELECT'),
                      has_table_privilege(%s, 'daily_without_text', 'SELECT')""",
            [READER, READER_NO_TEXT, READER_NO_TEXT],
        ).fetchone()
    with connect(settings) as database:
        drop_roles(database)
    assert rights == (True, False, True)
