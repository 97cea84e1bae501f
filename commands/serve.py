"""`run.py serve`: the service: calls are handed in over HTTP, worked on, followed and read, until Ctrl-C."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence
from pathlib import Path

from commands.options import as_overrides
from commands.permissions import let_read
from commands.quiet import quiet_in
from commands.run.command import check_writable
from commands.terminal import say
from commands.view import server_of
from db.connection import connect
from pipeline.config.areas.service import ServiceSettings
from pipeline.config.loader import export_env_file, load_settings
from pipeline.errors import ConfigurationError

_BACKLOG = 2048
"""Connections that may wait: a client that is faster than the server waits instead of being refused."""


def serve(config: Path, overrides: Sequence[str], port: int | None) -> int:
    """Serve until interrupted; returns the exit code.

    Raises ConfigurationError where the address is taken, StartupError where the database or a folder is not usable.
    """
    from service.app import API_ROOMS, application

    settings = load_settings(config, [*overrides, *as_overrides({"service.port": port})]).settings
    export_env_file(config.parent / ".env")
    let_read(settings.output.readable_by)
    check_writable(settings.service.recordings_dir)
    check_writable(settings.run.spool_dir)
    with connect(settings.database) as database, _listening(settings.service) as listener:
        if database.note:
            say(database.note)
        quiet = quiet_in(database, settings.redaction)
        app = application(database, settings, settings.run.spool_dir / "listening", quiet, rooms=API_ROOMS)
        say(f"http://{_shown(listener)}/  (Ctrl-C ends it)")
        with contextlib.suppress(KeyboardInterrupt):
            server_of(app).run(sockets=[listener])
    return 0


def _listening(settings: ServiceSettings) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigurationError(f"service.host {settings.host}: {error}") from None
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        where = f"{settings.host}:{settings.port}"
        raise ConfigurationError(f"{where} (service.host, service.port): {error.strerror}; choose another") from None
    return listener


def _shown(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
