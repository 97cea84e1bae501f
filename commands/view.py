"""`run.py view`: the reading room, served to this machine alone until Ctrl-C."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from commands.quiet import quiet_in
from commands.terminal import say
from db.existing import existing_ledger
from pipeline.config.loader import load_exported
from pipeline.encryption.here import use_keys
from pipeline.errors import ConfigurationError
from pipeline.run.spool_folder import listening_spool

PORT = 8642
"""Tried first, so that bookmarks hold; another free one where it is taken."""
PATIENCE_S = 5.0
"""A reader does not wait for a database as long as a run does."""


def view(config: Path, overrides: Sequence[str], port: int | None, browser: bool, page: str = "") -> int:
    """Serve the pages until interrupted, and open `page`; returns the exit code.

    Raises ConfigurationError where the port is taken.
    """
    from commands.serving.server import server_of
    from service.app import application

    settings = load_exported(config, overrides).settings
    use_keys(settings.encryption)
    database_settings = settings.database.model_copy(
        update={"patience_s": min(PATIENCE_S, settings.database.patience_s)}
    )
    with existing_ledger(database_settings) as database, listening(port) as listener:
        quiet = quiet_in(database, settings)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        server = server_of(application(database, settings, listening_spool(settings.run.spool_dir), quiet))
        say(f"{address}  (this machine alone; Ctrl-C ends it)")
        if browser:
            open_page(address + page)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    return 0


def listening(port: int | None, ours: int = PORT) -> socket.socket:
    """A socket on the loopback address: at the port asked for, or at `ours` or any free one.

    Raises ConfigurationError where the port asked for is taken.
    """
    if port is None:
        try:
            return _bound(ours)
        except OSError:
            return _bound(0)
    try:
        return _bound(port)
    except OSError as error:
        raise ConfigurationError(f"--port {port}: {error.strerror}; choose another one") from error


def _bound(port: int) -> socket.socket:
    # A browser that is faster than the server waits instead of being refused.
    return socket.create_server(("127.0.0.1", port), backlog=128)


def open_page(address: str) -> None:
    """Open the browser; a machine without one is no error."""
    import webbrowser

    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(address)


def running_room(page: str) -> str | None:
    """The address of a reading room that is served on this machine and has this page; None without one."""
    import urllib.error
    import urllib.request

    address = f"http://127.0.0.1:{PORT}/"
    try:
        with urllib.request.urlopen(address + page, timeout=PATIENCE_S) as answer:  # noqa: S310 - loopback, http
            return address if answer.status == HTTPStatus.OK else None
    except (urllib.error.URLError, OSError):
        return None
