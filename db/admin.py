"""What `run.py db …` does: address, start, stop, status, shell, dump, restore, migrate."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from db.connection import connect
from db.embedded.files import existing_home
from db.embedded.server import EmbeddedServer, ServerStatus
from db.existing import no_database
from db.export.files import whole_file
from db.migrate import migrate
from db.roles import left_to_readers, readers_exist, renew_readers
from db.tables import broken_rules, emptied_tables, tables_of
from pipeline.config.areas.database import EMBEDDED, DatabaseSettings
from pipeline.errors import ConfigurationError, DatabaseUnavailable
from pipeline.masking import masked


@dataclass(frozen=True, slots=True)
class Shell:
    """A program to execute: `os.execve(argv[0], argv, environment)`."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]


def server_of(settings: DatabaseSettings) -> EmbeddedServer:
    """The embedded server of this configuration. Raises ConfigurationError when `database.url` names another."""
    if settings.url != EMBEDDED:
        raise ConfigurationError(
            f"database.url is {masked(settings.url)}: Earshot starts and stops only `database.url: {EMBEDDED}`; "
            "this server is run by whoever set it up"
        )
    return EmbeddedServer(settings.data_dir, account=settings.server_account, start_timeout_s=settings.start_timeout_s)


def database_url(settings: DatabaseSettings) -> str:
    """An address psql takes, with password; the embedded server is started, brought up to date and left running."""
    if settings.url != EMBEDDED:
        return settings.url
    server = server_of(settings)
    server.start(keep=True)
    migrate(server.url)
    return server.url


def start_server(settings: DatabaseSettings, listen: str | None = None) -> ServerStatus:
    """Start the embedded server and leave it running; `listen` as `127.0.0.1:5433`."""
    server = server_of(settings)
    server.start(listen, keep=True)
    migrate(server.url)
    return server.status()


def stop_server(settings: DatabaseSettings, *, force: bool = False) -> bool:
    """Stop the embedded server; False when it was not running. Raises DatabaseUnavailable when there is none."""
    return _server_there(settings).stop(force=force)


def server_status(settings: DatabaseSettings) -> ServerStatus:
    """Starts nothing. Raises DatabaseUnavailable when there is none, ConfigurationError for a server by address."""
    return _server_there(settings).status()


def _server_there(settings: DatabaseSettings) -> EmbeddedServer:
    server = server_of(settings)
    if existing_home(settings.data_dir) is None:
        raise no_database(settings)
    return server


def look(settings: DatabaseSettings) -> tuple[str, list[str]]:
    """For `doctor`: version and place of the database, and what is wrong with it, a sentence each.

    Raises DatabaseUnavailable; may start the embedded server.
    """
    with connect(settings, up_to_date=False) as database:
        with database.connection() as connection:
            row = connection.execute("SELECT current_setting('server_version'), current_database()").fetchone()
        version, name = row or ("?", "?")
        with database.connection() as connection:
            ours = tables_of(connection, database.name).ours
        warnings = [*emptied_tables(database), *broken_rules(database)] if ours else []
        if readers_exist(database):
            warnings += left_to_readers(database)
        return f"PostgreSQL {version}, database {name}, {database.name}", warnings


def shell(settings: DatabaseSettings) -> Shell:
    """psql on the database; the embedded server is started and left running."""
    return client("psql", settings, database_url(settings))


def client(name: str, settings: DatabaseSettings, url: str) -> Shell:
    """A program of PostgreSQL's client with the database as its last argument.

    The password is passed in the environment, because everybody on the machine can see a program's arguments.
    """
    import shutil

    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    parts = conninfo_to_dict(url)
    password = parts.pop("password", None)
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    program = server_of(settings).program(name) if settings.url == EMBEDDED else shutil.which(name)
    if program is None:
        raise DatabaseUnavailable(
            f"{name} is not installed; install PostgreSQL's client of the server's major version, or use another tool"
        )
    return Shell((program, make_conninfo(**parts)), environment)  # type: ignore[arg-type]


def dump(settings: DatabaseSettings, file: Path) -> None:
    """Write everything as it is at this moment, whoever is at work. Whole or not at all.

    By the program of the server's own version: older ones refuse.

    Raises DatabaseUnavailable, OutputUnavailable.
    """
    url = database_url(settings)
    with whole_file(file) as aside:
        _run("pg_dump", settings, url, "--format=custom", f"--file={aside}", "--dbname")


def restore(settings: DatabaseSettings, file: Path) -> list[str]:
    """Bring a dump, also an older version's, into a database without calls; returns the migrations applied then.

    Raises ConfigurationError when the file is not there or calls are, DatabaseUnavailable.
    """
    if not file.is_file():
        raise ConfigurationError(
            f"{file}: not there; name a file that `run.py db dump` or pg_dump --format=custom wrote"
        )
    url = database_url(settings)
    with connect(settings) as database, database.connection() as connection:
        ((calls,),) = connection.execute("SELECT count(*) FROM calls").fetchall()
        if calls:
            raise ConfigurationError(
                f"{database.name} holds {calls} calls, which a backup would replace: restore into an empty one "
                "(--set database.data_dir=FOLDER, or database.url), then name that in the configuration"
            )
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    _run("pg_restore", settings, url, *("--clean", "--if-exists", "--no-owner", "--no-acl", "--exit-on-error"),
         str(file), "--dbname")  # fmt: skip
    applied = migrate(url)
    with connect(settings) as database:
        renew_readers(database)
    return applied


def _run(name: str, settings: DatabaseSettings, url: str, *options: str) -> None:
    """The address follows the options."""
    program = client(name, settings, url)
    path, address = program.argv
    command = [path, *options, address]
    done = subprocess.run(  # noqa: S603 - our own programs, no shell
        command, env=dict(program.environment), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DatabaseUnavailable(f"{name} ended with {done.returncode}: {done.stderr.strip()[-500:]}")


def migrate_database(settings: DatabaseSettings) -> list[str]:
    """Bring the tables up to date; returns the migrations applied now."""
    with connect(settings, up_to_date=False) as database:
        return migrate(database.url)
