"""`run.py serve`: the service: calls are handed in over HTTP, worked on, followed and read, until Ctrl-C."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from commands.certificates import certificate_of
from commands.console import Terminal
from commands.options import as_overrides
from commands.permissions import check_writable, let_read
from commands.purge.one_call import eraser
from commands.quiet import quiet_in
from commands.run.logs import log_to
from commands.run.wiring import with_one_model
from commands.serving.background import at_work
from commands.serving.live import live_room, live_tasks
from commands.serving.server import server_of
from commands.serving.supervised_workers import workers_of, working
from commands.serving.tasks import job_room, tasks_of
from commands.terminal import say
from db.connection import connect
from pipeline.config.areas.service import ServiceSettings
from pipeline.config.loader import load_exported
from pipeline.encryption.here import use_keys
from pipeline.errors import ConfigurationError
from pipeline.run.spool_folder import listening_spool

_BACKLOG = 2048
"""Connections that may wait: a client that is faster than the server waits instead of being refused."""


def serve(config: Path, overrides: Sequence[str], port: int | None) -> int:
    """Serve until interrupted; returns the exit code.

    Raises ConfigurationError where the address is taken, the certificate cannot be used, or nobody could be told from
    anybody else; StartupError where the database or a folder is not usable.
    """
    from service.access.opening import gate_of
    from service.app import API_ROOMS, application

    overrides = [*overrides, *as_overrides({"service.port": port})]
    loaded = load_exported(config, overrides)
    settings = with_one_model(loaded.settings)
    use_keys(settings.encryption)
    let_read(settings.output.readable_by)
    certificate = certificate_of(settings.service)
    check_writable(settings.service.recordings_dir)
    check_writable(settings.run.spool_dir)
    stamp = f"{datetime.now(UTC):%Y%m%d_%H%M%S}_service"
    log_to(Terminal(sys.stderr), settings.output.directory / "logs", stamp, settings.reporting)
    with connect(settings.database) as database, _listening(settings.service) as listener:
        quiet = quiet_in(database, settings)
        gate = gate_of(database, settings.service)
        room = job_room(database, settings)
        live = live_room(settings, database, room)
        spool = listening_spool(settings.run.spool_dir)
        erase = eraser(database, settings)
        app = application(database, settings, spool, quiet, rooms=API_ROOMS, gate=gate, live=live, erase=erase)
        app.state.jobs = room
        tasks = tasks_of(room, database, loaded.content, loaded.content_hash, settings)
        with (
            contextlib.closing(room),
            working(workers_of(config, overrides, settings)),
            at_work([*tasks, *live_tasks(live)]),
            contextlib.suppress(KeyboardInterrupt),
        ):
            say(f"{'http' if certificate is None else 'https'}://{_shown(listener)}/  (Ctrl-C ends it)")
            server_of(
                app,
                certificate,
                settings.service.access.trusted_proxies,
                max_message_bytes=settings.live.max_message_bytes,
            ).run(sockets=[listener])
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
