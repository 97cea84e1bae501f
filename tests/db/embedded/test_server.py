"""The embedded server's life: shared, killed, recovered, never left running by mistake."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from db.admin import Shell, database_url, server_of, server_status, shell, start_server, stop_server
from db.embedded.accounts import can_enter, choose_account
from db.embedded.clients import free_port
from db.embedded.cluster import postmaster_alive
from db.embedded.files import find_files
from db.embedded.server import EmbeddedServer
from pipeline.config.areas.database import DatabaseSettings
from pipeline.errors import ConfigurationError, DatabaseUnavailable
from tests.waiting import until

AS_ROOT = os.geteuid() == 0

CLIENT = """
import sys, time
from pathlib import Path
from db.embedded.server import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
server.start()
print("up", flush=True)
time.sleep(120)
"""


@pytest.fixture
def folder(open_folder: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Data folder of a server of this test's own."""
    path = open_folder / f"{request.node.name[:20]}-{time.monotonic_ns():x}"
    yield path
    EmbeddedServer(path).stop(force=True)


def query(server: EmbeddedServer, statement: str) -> object:
    with psycopg.connect(server.url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def client(folder: Path) -> subprocess.Popen[str]:
    """Another process that uses the server."""
    process = subprocess.Popen([sys.executable, "-c", CLIENT, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def postmaster(server: EmbeddedServer) -> int:
    pid = postmaster_alive(server.files())
    assert pid is not None
    return pid


def gone(server: EmbeddedServer) -> bool:
    return until(lambda: postmaster_alive(server.files()) is None)


def test_started_shared_and_stopped_by_the_last(folder: Path) -> None:
    first, second = EmbeddedServer(folder), EmbeddedServer(folder)
    assert not first.status().running
    first.start()
    second.start()
    assert query(second, "SELECT 1") == 1
    assert first.status().clients == 2
    first.release()
    assert second.status().running
    second.release()
    assert not second.status().running
    second.release()  # once more does no harm


def test_passwords_are_asked_for_and_kept_to_ourselves(folder: Path) -> None:
    server = EmbeddedServer(folder)
    server.start()
    password = server.files().password_file
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    assert query(server, "SELECT rolpassword LIKE 'SCRAM-SHA-256%' FROM pg_authid WHERE rolname = 'earshot'")
    assert password.read_text() not in str(server.status())
    for wrong in (
        server.url.replace(password.read_text(), "wrong"),
        server.url.replace(f":{password.read_text()}", ""),
    ):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(wrong)
    server.release()
    password.write_text("of another database")
    with pytest.raises(DatabaseUnavailable, match="refused the login"):
        EmbeddedServer(folder).start()


def test_a_killed_client_does_not_keep_the_server_up(folder: Path) -> None:
    process = client(folder)
    server = EmbeddedServer(folder)
    server.start()
    assert server.status().clients == 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert server.status().clients == 1
    server.release()
    assert not server.status().running


def test_a_server_whose_only_client_was_killed_is_taken_over(folder: Path) -> None:
    process = client(folder)
    process.send_signal(signal.SIGKILL)
    process.wait()
    server = EmbeddedServer(folder)
    before = postmaster(server)
    server.start()
    assert postmaster(server) == before
    server.release()
    assert gone(server)


def test_recovery_after_the_server_was_killed(folder: Path) -> None:
    server = EmbeddedServer(folder)
    server.start()
    query(server, "CREATE TABLE kept AS SELECT 42 AS value")
    os.kill(postmaster(server), signal.SIGKILL)
    assert gone(server)
    server.revive()
    assert query(server, "SELECT value FROM kept") == 42
    server.release()


def test_a_recycled_pid_does_not_count_as_running(folder: Path) -> None:
    server = EmbeddedServer(folder)
    server.start()
    files = server.files()
    os.kill(postmaster(server), signal.SIGKILL)
    assert gone(server)
    # The PID now belongs to a process that PostgreSQL may signal, so that its own check would take it for alive.
    account = files.account
    who = {"user": account.uid, "group": account.gid} if account else {}
    stranger = subprocess.Popen(["sleep", "60"], **who)  # type: ignore[call-overload]
    for path in (files.cluster / "postmaster.pid", files.home / "socket" / ".s.PGSQL.5432.lock"):
        lines = path.read_text().splitlines(keepends=True)
        with path.open("r+") as file:
            file.write("".join([f"{stranger.pid}\n", *lines[1:]]))
            file.truncate()
    try:
        assert not EmbeddedServer(folder).status().running
        again = EmbeddedServer(folder)
        again.start()
        assert query(again, "SELECT 1") == 1
        again.release()
        server.release()
        assert stranger.poll() is None, "the stranger was killed"
    finally:
        stranger.kill()
        stranger.wait()


def test_a_kill_during_initdb_leaves_nothing_in_the_way(folder: Path) -> None:
    files = find_files(folder, None)
    (files.home / "cluster.new").mkdir()
    (files.home / "cluster.new" / "PG_VERSION").write_text("18\n")
    server = EmbeddedServer(folder)
    server.start()
    assert query(server, "SELECT 1") == 1
    server.release()


def test_started_to_stay(folder: Path) -> None:
    settings = DatabaseSettings(data_dir=folder)
    url = database_url(settings)
    user = EmbeddedServer(folder)
    user.start()
    user.release()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM calls").fetchone() == (0,)
    assert server_status(settings).kept
    assert stop_server(settings)
    assert not stop_server(settings)
    assert not server_status(settings).kept


def test_stop_minds_other_users(folder: Path) -> None:
    process = client(folder)
    settings = DatabaseSettings(data_dir=folder)
    with pytest.raises(DatabaseUnavailable, match="1 other process"):
        stop_server(settings)
    assert stop_server(settings, force=True)
    process.kill()
    process.wait()


def test_listening_on_loopback(folder: Path) -> None:
    settings = DatabaseSettings(data_dir=folder)
    status = start_server(settings, "127.0.0.1:0")
    assert status.url is not None
    assert status.url.startswith("postgresql://earshot@127.0.0.1:")
    with psycopg.connect(server_of(settings).url) as connection:
        assert connection.info.host == "127.0.0.1"
    started: Shell = shell(settings)
    assert "password" not in " ".join(started.argv)
    shown = subprocess.run(
        [*started.argv, "-Atc", "SELECT 7"], env=dict(started.environment), capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "7"
    assert start_server(settings, "127.0.0.1:0").url == status.url, "it listens already"
    elsewhere, user = f"127.0.0.1:{free_port()}", EmbeddedServer(folder)
    user.start()
    with pytest.raises(DatabaseUnavailable, match="other processes use it and it does not listen on 127"):
        start_server(settings, elsewhere)
    user.release()
    moved = start_server(settings, elsewhere)
    assert (moved.kept, moved.url) == (True, f"postgresql://earshot@{elsewhere}/earshot")
    stop_server(settings)


@pytest.mark.parametrize("listen", ["0.0.0.0:5433", "example.org:5433", "127.0.0.1:x", "127.0.0.1:70000", "*"])
def test_listening_elsewhere_is_refused(folder: Path, listen: str) -> None:
    with pytest.raises(ConfigurationError, match="loopback only"):
        EmbeddedServer(folder).start(listen)


def test_a_long_path_gets_a_socket_elsewhere(open_folder: Path) -> None:
    server = EmbeddedServer(open_folder / ("long" * 20) / "with 'quotes', commas and spaces")
    server.start()
    assert query(server, "SELECT 1") == 1
    socket_folder = query(server, "SHOW unix_socket_directories")
    assert str(open_folder) not in str(socket_folder)
    server.release()
    assert not Path(str(socket_folder).strip('"')).exists()
    server.start()
    shutil.rmtree(str(query(server, "SHOW unix_socket_directories")).strip('"'))
    server.release()  # whoever tidies /tmp may have been there before


def test_a_folder_that_cannot_be_made(open_folder: Path) -> None:
    (open_folder / "file").write_text("")
    with pytest.raises(DatabaseUnavailable, match=r"database\.data_dir"):
        EmbeddedServer(open_folder / "file" / "postgres").start()


def test_a_server_that_does_not_start_shows_its_log(folder: Path) -> None:
    server = EmbeddedServer(folder)
    server.start()
    server.release()
    with (server.files().cluster / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    with pytest.raises(DatabaseUnavailable, match="no_such_setting"):
        server.start()


def test_starting_and_stopping_is_for_our_own_server() -> None:
    settings = DatabaseSettings(url="postgresql://u:hidden@db.example/x")
    with pytest.raises(ConfigurationError) as caught:
        stop_server(settings)
    assert "hidden" not in str(caught.value)


@pytest.mark.skipif(not AS_ROOT, reason="needs root: shows what happens when Earshot runs as root")
class TestAsRoot:
    def test_the_server_runs_unprivileged(self, folder: Path) -> None:
        import psutil

        server = EmbeddedServer(folder)
        server.start()
        assert psutil.Process(postmaster(server)).uids().effective != 0
        assert stat.S_IMODE(server.files().cluster.stat().st_mode) == 0o700
        server.release()

    def test_a_closed_parent_stays_closed(self, open_folder: Path) -> None:
        closed = open_folder / "closed"
        closed.mkdir(mode=0o700, exist_ok=True)
        account = choose_account(None, None)
        files = find_files(closed / "data" / "postgres", None, shelter=open_folder / "shelter")
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert not can_enter(account, closed)
        assert files.home.parent == open_folder / "shelter"
        assert files.note is not None
        assert str(files.home) in files.note
        assert not (closed / "data").exists()

    def test_an_account_that_is_not_there(self, folder: Path) -> None:
        for name in ("no-such-account", "root"):
            with pytest.raises(ConfigurationError, match="server_account"):
                EmbeddedServer(folder, account=name).start()
