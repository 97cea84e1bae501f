"""`run.py db`: the embedded server's life, the tables, a shell."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote, urlsplit, urlunsplit

import typer

from commands.app import DEFAULT_CONFIG, ConfigOption, SetOption
from pipeline.config.database import EMBEDDED
from pipeline.config.loader import load_settings
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from db.embedded import EmbeddedServer

app = typer.Typer(
    no_args_is_help=True,
    help="The database: start, stop, status, url, shell, migrate, grant.\n\n"
    "Example: psql $(python run.py db url) -c 'select file_name, topic from calls'",
)


def _server(settings: Settings) -> EmbeddedServer:
    from db.embedded import EmbeddedServer

    if settings.database.url != EMBEDDED:
        raise ConfigurationError(
            "database.url names a server of its own; start and stop it where it runs. "
            "These commands are for database.url: embedded"
        )
    database = settings.database
    return EmbeddedServer(database.data_dir, account=database.server_account, start_timeout_s=database.start_timeout_s)


@app.command()
def url(config: ConfigOption = DEFAULT_CONFIG, overrides: SetOption = None) -> None:
    """Print an address psql takes, password included; the embedded server is started and left running."""
    settings = load_settings(config, overrides or ()).settings
    if settings.database.url != EMBEDDED:
        typer.echo(settings.database.url)
        return
    server = _server(settings)
    server.start(keep=True)
    typer.echo(server.url)


@app.command()
def start(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    listen: Annotated[
        str | None, typer.Option("--listen", help="Also over TCP, loopback only.", metavar="127.0.0.1:PORT")
    ] = None,
) -> None:
    """Start the embedded server and leave it running."""
    server = _server(load_settings(config, overrides or ()).settings)
    server.start(listen, keep=True)
    status = server.status()
    typer.echo(f"running: {status.url}")
    if status.note:
        typer.echo(status.note)


@app.command()
def stop(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    force: Annotated[bool, typer.Option("--force", help="Also while others use it.")] = False,
) -> None:
    """Stop the embedded server."""
    stopped = _server(load_settings(config, overrides or ()).settings).stop(force=force)
    typer.echo("stopped" if stopped else "was not running")


@app.command()
def status(config: ConfigOption = DEFAULT_CONFIG, overrides: SetOption = None) -> None:
    """Whether the embedded server runs, where its files are, who uses it."""
    shown = _server(load_settings(config, overrides or ()).settings).status()
    typer.echo(f"{'running' if shown.running else 'stopped'}  {shown.home}")
    if shown.running:
        typer.echo(f"address {shown.url}, {shown.clients} process(es) use it, {'kept' if shown.kept else 'not kept'}")
    if shown.note:
        typer.echo(shown.note)


@app.command()
def shell(config: ConfigOption = DEFAULT_CONFIG, overrides: SetOption = None) -> None:
    """psql on the database; with the embedded server's own psql where none is installed."""
    import shutil
    import subprocess

    from db.connection import connect

    settings = load_settings(config, overrides or ()).settings
    with connect(settings.database) as database:
        program = shutil.which("psql") or (database.server.program("psql") if database.server else None)
        if program is None:
            raise ConfigurationError("psql is not installed; install PostgreSQL's client, or use `db url`")
        address, password = _without_password(database.url)
        environment = os.environ if password is None else {**os.environ, "PGPASSWORD": password}
        completed = subprocess.run([program, address], check=False, env=environment)  # noqa: S603 - our own psql
    raise typer.Exit(completed.returncode)


@app.command()
def migrate(config: ConfigOption = DEFAULT_CONFIG, overrides: SetOption = None) -> None:
    """Bring the tables up to date (every run does so too)."""
    from db.connection import connect
    from db.migrate import migrate as bring_up_to_date

    with connect(load_settings(config, overrides or ()).settings.database, up_to_date=False) as database:
        applied = bring_up_to_date(database.url)
    typer.echo("\n".join(f"applied {name}" for name in applied) or "up to date")


def _without_password(address: str) -> tuple[str, str | None]:
    """The address without its password, which process lists would show, and the password."""
    parts = urlsplit(address)
    if parts.password is None:
        return address, None
    place = parts.netloc.replace(f":{parts.password}@", "@")
    return urlunsplit(parts._replace(netloc=place)), unquote(parts.password)
