"""`run.py db`: the embedded server's life, the tables, a shell."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import DEFAULT_CONFIG, ConfigOption, SetOption
from commands.terminal import say, say_secret
from pipeline.plurals import counted

if TYPE_CHECKING:
    from pipeline.config.areas.database import DatabaseSettings

app: typer.Typer = typer.Typer(no_args_is_help=True)


def _settings(config: Path, overrides: Sequence[str] | None) -> DatabaseSettings:
    from pipeline.config.loader import load_exported

    return load_exported(config, overrides or ()).settings.database


@app.command()
def url(config: ConfigOption = DEFAULT_CONFIG, overrides: SetOption = None) -> None:
    """Print an address psql takes, password included; the embedded server is started and left running."""
    from db.admin import database_url

    say_secret(database_url(_settings(config, overrides)))


@app.command()
def start(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    listen: Annotated[
        str | None, typer.Option("--listen", help="Also listen on TCP, loopback only.", metavar="127.0.0.1:PORT")
    ] = None,
) -> None:
    """Start the embedded server and leave it running."""
    from db.admin import start_server

    shown = start_server(_settings(config, overrides), listen)
    say(f"running: {shown.url}")
    if shown.note:
        say(shown.note)


@app.command()
def stop(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    force: Annotated[bool, typer.Option("--force", help="Stop it even while others use it.")] = False,
) -> None:
    """Stop the embedded server."""
    from db.admin import stop_server

    say("stopped" if stop_server(_settings(config, overrides), force=force) else "was not running")


@app.command()
def status(config: ConfigOption = DEFAULT_CONFIG, overrides: SetOption = None) -> None:
    """Show whether the embedded server runs, where its files are and who uses it."""
    from db.admin import server_status

    shown = server_status(_settings(config, overrides))
    say(f"{'running' if shown.running else 'stopped'}  {shown.home}")
    if shown.running:
        users = counted(shown.clients, "process", "processes")
        say(f"address {shown.url}, used by {users}, {'kept' if shown.kept else 'not kept'}")
    if shown.note:
        say(shown.note)


@app.command()
def shell(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    command: Annotated[
        list[str] | None, typer.Option("-c", "--command", help="Run this and end; may be repeated.", metavar="SQL")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Rows as CSV.")] = False,
) -> None:
    """Open psql on the database; the embedded server includes its own psql.

    Without -c psql reads what is typed or piped in. An SQL error of -c ends with psql's exit code.

    Example: python run.py db shell --csv -c "SELECT file_name, topics FROM calls"
    """
    from db.admin import shell as psql

    program = psql(_settings(config, overrides))
    options = [*(["--csv"] if csv else []), *(option for sql in command or () for option in ("-c", sql))]
    argv = [*program.argv, *options]
    os.execve(program.argv[0], argv, dict(program.environment))  # noqa: S606 - our own psql, no shell


@app.command()
def dump(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
) -> None:
    """Write a backup of everything in the database, also while runs are at work.

    Example: python run.py db dump /backup/earshot-$(date +%F).dump
    """
    from db.admin import dump as write

    write(_settings(config, overrides), file)
    say(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
) -> None:
    """Bring a backup into a database that holds no calls, and its tables up to date.

    Example: python run.py db restore earshot.dump --set database.data_dir=data/restored
    """
    from db.admin import restore as bring_back

    applied = bring_back(_settings(config, overrides), file)
    say("\n".join(("restored", *(f"applied {name}" for name in applied))))


@app.command()
def migrate(config: ConfigOption = DEFAULT_CONFIG, overrides: SetOption = None) -> None:
    """Bring the tables up to date (every run does so too)."""
    from db.admin import migrate_database

    applied = migrate_database(_settings(config, overrides))
    say("\n".join(f"applied {name}" for name in applied) or "up to date")


@app.command()
def grant(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    login: Annotated[str | None, typer.Option("--login", help="Also make this login for an analyst.")] = None,
    without_text: Annotated[
        bool, typer.Option("--without-text", help="The login may not read the words of calls.")
    ] = False,
) -> None:
    """Make the read-only roles earshot_reader and earshot_reader_no_text; with --login a member of one of them.

    The login's password is read from the environment variable EARSHOT_READER_PASSWORD.
    """
    from db.connection import connect
    from db.roles import create_reader, grant_readers
    from pipeline.errors import ConfigurationError

    settings = _settings(config, overrides)
    password = os.environ.get("EARSHOT_READER_PASSWORD")
    if login is not None and not password:
        raise ConfigurationError("db grant --login: set EARSHOT_READER_PASSWORD, in the environment or in .env")
    with connect(settings) as database:
        for line in grant_readers(database):
            say(line)
        if login is not None and password:
            create_reader(database, login, password, with_text=not without_text)
            say(f"login {login}: {'without' if without_text else 'with'} the words of the calls")


@app.command()
def serve(
    login: Annotated[str, typer.Option("--login", help="The reader's login.")] = "earshot_bi",
    listen: Annotated[
        str, typer.Option("--listen", help="Loopback address for TCP.", metavar="127.0.0.1:PORT")
    ] = "127.0.0.1:5433",
    without_text: Annotated[
        bool, typer.Option("--without-text", help="The login may not read the words of calls.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
) -> None:
    """Let a BI tool read by TCP: start the embedded server, make a read-only login, print what the tool asks for.

    The password is EARSHOT_READER_PASSWORD where that is set, else a new one each time. Other machines come in through
    a tunnel: ssh -L 5433:127.0.0.1:5433 HOST.
    """
    import secrets

    from psycopg.conninfo import conninfo_to_dict

    from db.admin import start_server
    from db.connection import connect
    from db.roles import create_reader

    settings = _settings(config, overrides)
    shown = start_server(settings, listen)
    password = os.environ.get("EARSHOT_READER_PASSWORD") or secrets.token_urlsafe(18)
    with connect(settings) as database:
        create_reader(database, login, password, with_text=not without_text)
    address = conninfo_to_dict(shown.url or "")
    host, port, name = address.get("host"), address.get("port"), address.get("dbname")
    say(f"PostgreSQL at {host}, port {port}, database {name}, user {login}, SSL off (loopback)")
    say(f"JDBC: jdbc:postgresql://{host}:{port}/{name}")
    say("password (shown once, not stored):")
    say_secret(password)
    say("views for analysts: calls_done, sides, turns, daily, daily_agent, topics_weekly, repeat_calls, attention")


@app.command()
def purge(  # noqa: PLR0917 - typer calls it by name
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    before: Annotated[
        datetime | None,
        typer.Option("--before", formats=["%Y-%m-%d"], help="Calls of earlier days.", metavar="YYYY-MM-DD"),
    ] = None,
    call: Annotated[list[str] | None, typer.Option("--call", help="This call_id; may be repeated.")] = None,
    customer: Annotated[
        str | None, typer.Option("--customer", help="Calls of this customer: a key of a sidecar, or a number.")
    ] = None,
    with_audio: Annotated[bool, typer.Option("--with-audio", help="Delete the recordings, too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be erased.")] = False,
    sure: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for a run that is under way.")] = False,
) -> None:
    """Erase calls for good: rows, transcripts, files, mentions. Example: run.py db purge --customer 4711 --dry-run"""
    from commands.calls_filter import call_id_of
    from commands.purge.command import Wish
    from commands.purge.command import purge as erase

    wish = Wish(
        before=before,
        calls=tuple(map(call_id_of, call or ())),
        customer=customer,
        with_audio=with_audio,
        dry_run=dry_run,
        sure=sure,
        wait=wait,
    )
    sys.exit(erase(config, overrides or (), wish, typer.confirm))


@app.command()
def dictionary(
    output: Annotated[Path, typer.Option("--output", help="The page to write.", metavar="FILE.html")] = Path(
        "data-dictionary.html"
    ),
    without_values: Annotated[
        bool, typer.Option("--without-values", help="No sample values: they hold what was said in calls.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
) -> None:
    """Write the data dictionary of this database as a page: tables, columns, where each comes from, sample values."""
    from db.dictionary import described
    from db.existing import existing_ledger
    from db.export.files import whole_file
    from pages.rendering import page

    settings = _settings(config, overrides)
    with existing_ledger(settings) as database, database.connection() as connection:
        relations = described(connection, samples=not without_values)
    with whole_file(output) as aside:
        aside.write_text(page("dictionary", relations=relations, values=not without_values), encoding="utf-8")
    say(f"{output}: {counted(len(relations), 'table')} and views")
