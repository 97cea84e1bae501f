"""A whole database into a file and back, by the programs of the server's own version: older ones refuse."""

from __future__ import annotations

import subprocess
from pathlib import Path

from db.admin import client, database_url
from db.connection import connect
from db.export.files import whole_file
from db.migrate import migrate
from db.roles import renew_readers
from pipeline.config.areas.database import DatabaseSettings
from pipeline.errors import ConfigurationError, DatabaseUnavailable


def dump(settings: DatabaseSettings, file: Path) -> None:
    """Write everything as it is at this moment, whoever is at work. Whole or not at all.

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
        (calls,) = connection.execute("SELECT count(*) FROM calls").fetchone() or (0,)
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
