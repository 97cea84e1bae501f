"""What is asked of initdb and pg_ctl, and what is made of their answers: with scripts in their place."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from db.embedded.cluster import (
    LARGEST_LOG_BYTES,
    NO_SUCH_PID,
    forget_dead_postmaster,
    launch,
    make_cluster,
    postmaster_alive,
    shut_down,
)
from db.embedded.files import ServerFiles
from db.embedded.programs import ServerPrograms
from db.embedded.server import EmbeddedServer
from pipeline.errors import DatabaseUnavailable
from tests.pinned import assert_pinned


@pytest.fixture
def files(open_folder: Path) -> ServerFiles:
    """Run as ourselves, with programs that are still to be written."""
    folder = Path(tempfile.mkdtemp(dir=open_folder))
    folder.chmod(0o755)
    for name in ("home/log", "home/clients", "bin"):
        (folder / name).mkdir(parents=True)
    return ServerFiles(home=folder / "home", account=None, programs=ServerPrograms(folder / "bin", 17), note=None)


def program(files: ServerFiles, name: str, script: str) -> Path:
    """A script that also keeps what it was asked; returns where."""
    asked = files.home.parent / f"{name}.asked"
    path = Path(files.programs.path(name))
    path.write_text(f'#!/bin/sh\nfor part in "$@"; do echo "$part"; done >> "{asked}"\n{script}\n')
    path.chmod(0o755)
    return asked


def kept(asked: Path) -> str:
    text = asked.read_text().replace(str(asked.parent), "FOLDER").replace(" -c ", "\n -c ")
    return re.sub(r"--pwfile=\S+", "--pwfile=FILE", text)


@pytest.mark.parametrize("major", [16, 17])
def test_a_cluster_is_made_once_with_passwords_and_its_own_order_of_letters(files: ServerFiles, major: int) -> None:
    files = replace(files, programs=replace(files.programs, major=major))
    (files.home / "cluster.new").mkdir()
    (files.home / "cluster.new" / "half").touch()
    asked = program(files, "initdb", f'touch "{files.home}/cluster.new/PG_VERSION"')
    make_cluster(files, "earshot", 10)
    assert_pinned(f"initdb_{major}.txt", kept(asked))
    assert [path.name for path in files.cluster.iterdir()] == ["PG_VERSION"]
    assert files.cluster.stat().st_mode & 0o777 == 0o700
    assert files.password_file.stat().st_mode & 0o777 == 0o600
    password = files.password_file.read_text()
    assert len(password) >= 32
    make_cluster(files, "earshot", 10)
    assert files.password_file.read_text() == password
    files.password_file.unlink()
    with pytest.raises(DatabaseUnavailable, match="password is missing"):
        make_cluster(files, "earshot", 10)


def test_an_initdb_that_fails_is_told_and_leaves_nothing(files: ServerFiles) -> None:
    program(files, "initdb", "echo no room; exit 1")
    with pytest.raises(DatabaseUnavailable, match="no room"):
        make_cluster(files, "earshot", 10)
    assert sorted(path.name for path in files.home.iterdir()) == ["clients", "log"]


@pytest.mark.parametrize("major", [16, 17])
def test_a_server_is_started_with_its_options(files: ServerFiles, major: int) -> None:
    files = replace(files, programs=replace(files.programs, major=major))
    asked = program(files, "pg_ctl", "")
    launch(files, files.home / "a socket, here", "127.0.0.1", 5433, 600.0)
    assert_pinned(f"start_{major}.txt", kept(asked))


@pytest.mark.parametrize(("size", "moved"), [(LARGEST_LOG_BYTES, False), (LARGEST_LOG_BYTES + 1, True)])
def test_a_large_log_begins_anew_and_the_old_one_is_kept(files: ServerFiles, size: int, moved: bool) -> None:
    program(files, "pg_ctl", "")
    with files.log_file.open("wb") as file:
        file.truncate(size)
    launch(files, files.home / "socket", "", 5432, 10)
    assert files.log_file.with_suffix(".log.1").exists() is moved
    assert files.log_file.exists() is not moved


def test_a_start_that_fails_shows_the_end_of_the_log(files: ServerFiles) -> None:
    program(files, "pg_ctl", "echo could not start; exit 1")
    with pytest.raises(DatabaseUnavailable, match="could not start"):
        launch(files, files.home / "socket", "", 5432, 10)
    files.log_file.write_text("early" + "x" * 1500 + "FATAL: late")
    with pytest.raises(DatabaseUnavailable, match="FATAL: late") as raised:
        launch(files, files.home / "socket", "", 5432, 10)
    assert "early" not in str(raised.value)


def test_a_start_that_does_not_end_is_given_up(files: ServerFiles) -> None:
    program(files, "pg_ctl", "sleep 60")
    with pytest.raises(DatabaseUnavailable, match="did not return within 0 s"):
        launch(files, files.home / "socket", "", 5432, -29.9)


@pytest.fixture
def postmaster(files: ServerFiles) -> Iterator[subprocess.Popen[bytes]]:
    """A process that passes for the server."""
    files.cluster.mkdir()
    with subprocess.Popen(["sh", "-c", "sleep 60; :", str(files.cluster)], start_new_session=True) as process:
        (files.cluster / "postmaster.pid").write_text(f"{process.pid}\n{files.cluster}\n5432\n")
        yield process
        process.kill()


def test_a_server_is_asked_to_stop_and_then_made_to(files: ServerFiles, postmaster: subprocess.Popen[bytes]) -> None:
    assert postmaster_alive(files) == postmaster.pid
    asked = program(files, "pg_ctl", "echo it will not; exit 1")
    with pytest.raises(DatabaseUnavailable, match="does not stop: it will not"):
        shut_down(files)
    assert_pinned("stop.txt", kept(asked))
    asked.unlink()
    program(files, "pg_ctl", "exit 0")
    shut_down(files)
    assert asked.read_text().count("--mode") == 1
    asked.unlink()
    program(files, "pg_ctl", f"kill -9 {postmaster.pid}; exit 1")
    shut_down(files)
    assert asked.read_text().count("--mode") == 1, "it is gone whatever pg_ctl says"
    assert postmaster_alive(files) is None, "a zombie is no server"
    shut_down(files)
    assert asked.read_text().count("--mode") == 1, "nobody is there to be stopped"


@pytest.mark.parametrize(("text", "dead"), [(None, False), ("", False), ("no number\n", False), ("1\n/x\n", True)])
def test_only_a_server_of_this_cluster_counts(files: ServerFiles, text: str | None, dead: bool) -> None:
    files.cluster.mkdir()
    path = files.cluster / "postmaster.pid"
    if text is not None:
        path.write_text(text)
    assert postmaster_alive(files) is None
    forget_dead_postmaster(files)
    assert (path.read_text() if text is not None else None) == (f"{NO_SUCH_PID}\n/x\n" if dead else text)


def test_the_number_of_a_server_that_lives_stays(files: ServerFiles, postmaster: subprocess.Popen[bytes]) -> None:
    forget_dead_postmaster(files)
    assert (files.cluster / "postmaster.pid").read_text().startswith(f"{postmaster.pid}\n")


def test_a_server_that_is_still_recovering_is_waited_for_and_then_told(
    files: ServerFiles, postmaster: subprocess.Popen[bytes]
) -> None:
    assert postmaster.poll() is None
    (files.cluster / "PG_VERSION").write_text("18\n")
    with pytest.raises(DatabaseUnavailable, match="not ready after 0 s"):
        EmbeddedServer(files.home, start_timeout_s=0.2).start()
