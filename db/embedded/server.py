"""The embedded PostgreSQL server's life: made, started, shared by several processes, stopped by the last of them.

Each process that uses the server holds a lock on its own file in `clients/`. The kernel drops the lock when the
process ends, however it ends: a killed process never keeps the server from being stopped.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from db.embedded.clients import free_port, live_clients, loopback, register
from db.embedded.cluster import forget_dead_postmaster, launch, make_cluster, postmaster_alive, shut_down
from db.embedded.files import ServerFiles, existing_home, find_files, own
from db.embedded.rights import revoke_from_all
from db.faults import damaged, explained
from pipeline.disk import remove_folder
from pipeline.errors import DatabaseUnavailable
from pipeline.plurals import counted

if TYPE_CHECKING:
    from filelock import FileLock

DATABASE = "earshot"
USER = "earshot"
SOCKET_PORT = 5432
"""Only names the socket file while the server listens on no address."""
LONGEST_SOCKET_PATH = 100
"""Bytes; the kernel's limit is 104 on macOS and 108 on Linux."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """What `run.py db status` shows."""

    running: bool
    home: Path
    url: str | None
    """Without the password."""
    clients: int
    """Processes that use the server now."""
    kept: bool
    """Whether it stays up when the last of them ends."""
    note: str | None = None


class EmbeddedServer:
    """The server whose files are in `data_dir`. One object per process; any number of processes share the server."""

    def __init__(self, data_dir: Path, *, account: str | None = None, start_timeout_s: float = 600.0) -> None:
        self._data_dir = data_dir
        self._wanted_account = account
        self._timeout_s = start_timeout_s
        self._files: ServerFiles | None = None
        self._client: FileLock | None = None

    # ------------------------------------------------------------------------------------------ public

    def start(self, listen: str | None = None, *, keep: bool = False) -> None:
        """Start the server if it is not up, and use it until `release`.

        Parameters
        ----------
        listen
            `127.0.0.1:PORT` to be reachable over TCP too (loopback only; port 0 takes a free one).
        keep
            Leave it running when its last user ends (`db start`, `db url`).

        Raises DatabaseUnavailable with the end of the server's log when it does not come up.
        """
        address = loopback(listen) if listen else None
        files = self.files()
        with self._locked(files):
            self._bring_up(files, address)
            if keep:
                self._write_state(files, keep=True)
            elif self._client is None:
                self._client = register(files)
                atexit.register(self.release)

    def revive(self) -> None:
        """Start the server again when it died under its users."""
        files = self.files()
        with self._locked(files):
            self._bring_up(files, None)

    def release(self) -> None:
        """Stop using the server; the last user stops it unless it is to be left running."""
        if self._client is None:
            return
        atexit.unregister(self.release)
        files = self.files()
        if not files.home.exists():  # somebody removed the whole database; its server ends by itself
            self._client.release()
            self._client = None
            return
        with self._locked(files):
            self._client.release()
            Path(self._client.lock_file).unlink(missing_ok=True)
            self._client = None
            if live_clients(files, self._own_file) == 0 and not self._state(files).get("keep"):
                self._take_down(files)

    def stop(self, *, force: bool = False) -> bool:
        """Stop the server, even one to be left running. Returns False when it was not running.

        Raises DatabaseUnavailable when other processes use it and `force` is not set.
        """
        if existing_home(self._data_dir) is None:
            return False
        files = self.files()
        with self._locked(files):
            users = live_clients(files, self._own_file)
            if users and not force:
                raise DatabaseUnavailable(
                    f"embedded database in {files.home}: used by {counted(users, 'other process', 'other processes')}; "
                    "wait for them or stop it with --force (a run under way waits for it to come back)"
                )
            was_up = postmaster_alive(files) is not None
            self._take_down(files)
            return was_up

    def status(self) -> ServerStatus:
        """The server's status; starts and makes nothing."""
        home = existing_home(self._data_dir)
        if home is None:
            return ServerStatus(running=False, home=self._data_dir, url=None, clients=0, kept=False)
        files = self.files()
        state = self._state(files)
        running = self._answers(files)
        return ServerStatus(
            running=running,
            home=home,
            url=self._url(files, password=None) if running else None,
            clients=live_clients(files, self._own_file) + (self._client is not None),
            kept=bool(state.get("keep")),
            note=files.note,
        )

    @property
    def url(self) -> str:
        """Address with password, as psql and psycopg take it."""
        files = self.files()
        return self._url(files, files.password_file.read_text().strip())

    @property
    def note(self) -> str | None:
        """What the user should know about where the data is."""
        return self.files().note

    def program(self, name: str) -> str:
        """Path of a PostgreSQL program (psql, pg_dump) of the server's version."""
        return self.files().programs.path(name)

    def files(self) -> ServerFiles:
        if self._files is None:
            self._files = find_files(self._data_dir, self._wanted_account)
        return self._files

    # --------------------------------------------------------------------------------------- life

    def _bring_up(self, files: ServerFiles, address: tuple[str, int] | None) -> None:
        if self._wait_while_starting(files):
            if address is None or self._listens_on(files, address):
                return
            if live_clients(files, self._own_file) or self._client is not None:
                raise DatabaseUnavailable(
                    "embedded database: other processes use it and it does not listen on "
                    f"{address[0]}:{address[1]}; stop it first (run.py db stop)"
                )
            shut_down(files)
        make_cluster(files, USER, self._timeout_s)
        forget_dead_postmaster(files)
        host, port = address or ("", SOCKET_PORT)
        folder = self._socket_folder(files)
        kept = bool(self._state(files).get("keep"))
        self._write_state(files, socket=str(folder), host=host, port=port or free_port(), keep=kept)
        state = self._state(files)
        launch(files, folder, host, int(state["port"]), self._timeout_s)
        if not self._answers(files):
            raise DatabaseUnavailable(f"embedded database: started, but does not answer; see {files.log_file}")
        self._make_database(files)

    def _take_down(self, files: ServerFiles) -> None:
        shut_down(files)
        folder = self._state(files).get("socket")
        if folder and Path(folder).parent != files.home:
            remove_folder(folder)
        self._write_state(files, keep=False)

    def _wait_while_starting(self, files: ServerFiles) -> bool:
        """True when the server answers, False when there is none; waits while one is recovering."""
        deadline = time.monotonic() + self._timeout_s
        while True:
            if self._answers(files):
                return True
            if postmaster_alive(files) is None:
                return False
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(
                    f"embedded database: not ready after {self._timeout_s:.0f} s, it may still be recovering from a "
                    f"crash; see {files.log_file}, or raise database.start_timeout_s"
                )
            time.sleep(0.1)

    def _answers(self, files: ServerFiles) -> bool:
        """Whether a server accepts connections on our socket. Wrong passwords are for `connect` to report."""
        from psycopg import pq

        state = self._state(files)
        if not state.get("socket"):
            return False
        target = f"host='{state['socket']}' port={state['port']} dbname=postgres connect_timeout=5"
        return pq.PGconn.ping(target.encode()) == pq.Ping.OK

    def _make_database(self, files: ServerFiles) -> None:
        import psycopg
        from psycopg import sql

        try:
            with psycopg.connect(self.url, dbname="postgres", autocommit=True) as connection:
                row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                if row is None:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
            with psycopg.connect(self.url) as connection:
                revoke_from_all(connection)
        except psycopg.OperationalError as error:
            if damaged(error):
                raise explained(error, self.url) from error
            raise DatabaseUnavailable(
                f"embedded database in {files.home}: it runs, but refused the login: {error}; "
                f"if {files.password_file} was replaced, put the old one back"
            ) from error

    # -------------------------------------------------------------------------------------- small parts

    def _locked(self, files: ServerFiles) -> FileLock:
        from filelock import FileLock

        return FileLock(files.lock_file, timeout=self._timeout_s + 60, is_singleton=False)

    @property
    def _own_file(self) -> Path | None:
        return Path(self._client.lock_file) if self._client is not None else None

    def _state(self, files: ServerFiles) -> Mapping[str, Any]:
        try:
            state = json.loads(files.state_file.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def _write_state(self, files: ServerFiles, **changes: object) -> None:
        aside = files.state_file.with_suffix(".new")
        aside.write_text(json.dumps({**self._state(files), **changes}))
        aside.chmod(0o600)
        aside.replace(files.state_file)

    def _socket_folder(self, files: ServerFiles) -> Path:
        """A folder for the socket: in `home` where the path is short enough, else a new one in /tmp."""
        folder = files.home / "socket"
        if len(os.fsencode(folder / f".s.PGSQL.{65535}")) > LONGEST_SOCKET_PATH:
            folder = Path("/tmp") / f"earshot-{secrets.token_hex(6)}"  # noqa: S108 - made below, 0700, fresh name
        if folder.exists():
            # Left by a dead server: PostgreSQL would take its lock file's recycled PID for a live one.
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
        own(folder, files.account, 0o700)
        return folder

    def _listens_on(self, files: ServerFiles, address: tuple[str, int]) -> bool:
        state = self._state(files)
        return state.get("host") == address[0] and address[1] in (0, state.get("port"))

    def _url(self, files: ServerFiles, password: str | None) -> str:
        state = self._state(files)
        login = USER if password is None else f"{USER}:{quote(password, safe='')}"
        if state.get("host"):
            return f"postgresql://{login}@{state['host']}:{state['port']}/{DATABASE}"
        return f"postgresql://{login}@/{DATABASE}?{urlencode({'host': state['socket'], 'port': state['port']})}"
