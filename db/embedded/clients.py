"""The processes that use the embedded server, and the address it listens on."""

from __future__ import annotations

import ipaddress
import os
import socket
import uuid
from typing import TYPE_CHECKING

from db.embedded.files import ServerFiles
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from filelock import FileLock


def register(files: ServerFiles) -> FileLock:
    """Hold a lock on a file of our own for as long as we use the server."""
    from filelock import FileLock

    client = FileLock(files.clients / f"{os.getpid()}-{uuid.uuid4().hex[:8]}", is_singleton=False)
    client.acquire(blocking=False)
    return client


def live_clients(files: ServerFiles, own_file: Path | None) -> int:
    """Users of the server besides the one with `own_file`; files of dead ones are cleared away."""
    from filelock import FileLock, Timeout

    alive = 0
    for path in set(files.clients.iterdir()) - {own_file}:
        probe = FileLock(path, is_singleton=False)
        try:
            probe.acquire(blocking=False)
        except Timeout:
            alive += 1
        else:
            probe.release()
            path.unlink(missing_ok=True)
    return alive


def loopback(listen: str) -> tuple[str, int]:
    """`127.0.0.1:5433` or `[::1]:5433` taken apart. Raises ConfigurationError for anything but loopback."""
    host, _, port = listen.rpartition(":")
    host = "127.0.0.1" if host in ("", "localhost") else host.strip("[]")
    try:
        if ipaddress.ip_address(host).is_loopback and 0 <= int(port) <= 65_535:
            return host, int(port)
    except ValueError:
        pass
    raise ConfigurationError(
        f"--listen {listen}: the embedded server listens on loopback only, as in 127.0.0.1:5433; "
        "for other machines run a PostgreSQL server of your own and set database.url"
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
