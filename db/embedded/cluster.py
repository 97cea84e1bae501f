"""The files and the process of an embedded server: initdb, start, stop. Callers hold the server's lock."""

from __future__ import annotations

import os
import secrets
import shlex
import subprocess
import tempfile
from pathlib import Path

from db.embedded.accounts import run_as
from db.embedded.files import ServerFiles, own
from pipeline.disk import remove_folder
from pipeline.errors import DatabaseUnavailable

NO_SUCH_PID = 99_999_999
"""Above every kernel's highest PID."""

LARGEST_LOG_BYTES = 10_000_000

SERVER_OPTIONS = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "max_connections": "60",
    "wal_level": "minimal",  # nobody replicates from it
    "max_wal_senders": "0",
    "jit": "off",
    "shared_buffers": "512MB",  # holds what figures of a million calls are read from; taken only as it fills
    "work_mem": "32MB",  # figures of many calls are summed in memory: a third less work at 200,000 calls
    "random_page_cost": "1.1",  # no disk has to seek any more: a page of a list is read by an index
}


def make_cluster(files: ServerFiles, user: str, timeout_s: float) -> None:
    """Run initdb, once; a kill in the middle leaves nothing that counts as a cluster.

    Passwords only, scram; Unicode code point order and case, the same on every system.
    """
    if (files.cluster / "PG_VERSION").exists():
        if not files.password_file.exists():
            raise DatabaseUnavailable(
                f"embedded database in {files.home}: {files.password_file.name} is missing; restore it, or move the "
                "folder away to begin with an empty database"
            )
        return
    password = secrets.token_urlsafe(24)
    aside = files.home / "cluster.new"
    remove_folder(aside)
    aside.mkdir(mode=0o700)
    own(aside, files.account, 0o700)
    with tempfile.NamedTemporaryFile("w", dir=files.home) as handed_over:
        handed_over.write(password)
        handed_over.flush()
        own(Path(handed_over.name), files.account, 0o600)
        code, output = run_as(
            files.account,
            [
                files.programs.path("initdb"),
                f"--pgdata={aside}",
                f"--username={user}",
                f"--pwfile={handed_over.name}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--data-checksums",
                *(["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if files.programs.major >= 17 else []),
            ],
            timeout_s=timeout_s,
            cwd=files.home,
        )
    if code != 0:
        remove_folder(aside)
        raise DatabaseUnavailable(f"embedded database: initdb in {files.home} failed: {output[-2000:]}")
    descriptor = os.open(files.password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(password)
        file.flush()
        os.fsync(file.fileno())
    files.password_file.chmod(0o600)
    aside.rename(files.cluster)


def launch(files: ServerFiles, socket_folder: Path, host: str, port: int, timeout_s: float) -> None:
    """pg_ctl start, waiting for recovery. Raises DatabaseUnavailable with the end of the log."""
    if files.log_file.exists() and files.log_file.stat().st_size > LARGEST_LOG_BYTES:
        files.log_file.replace(files.log_file.with_suffix(".log.1"))
    options = {
        **SERVER_OPTIONS,
        # Any login may notify, Earshot never does: the smallest queue, not 8 GB. Earlier versions cannot limit it.
        **({"max_notify_queue_pages": "64"} if files.programs.major >= 17 else {}),
        "listen_addresses": host,
        "port": str(port),
        # PostgreSQL reads a list here: the quotes let a comma or a space be part of the path.
        "unix_socket_directories": f'"{socket_folder}"',
        "unix_socket_permissions": "0700",
    }
    command_line = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in options.items())
    start = [
        files.programs.path("pg_ctl"),
        "start",
        "--wait",
        f"--timeout={timeout_s:.0f}",
        f"--pgdata={files.cluster}",
        f"--log={files.log_file}",
        f"--options={command_line}",
    ]
    try:
        code, output = run_as(files.account, start, timeout_s=timeout_s + 30, cwd=files.home)
    except subprocess.TimeoutExpired:
        code, output = 1, f"pg_ctl did not return within {timeout_s + 30:.0f} s"
    if code != 0:
        log = files.log_file.read_text(errors="replace")[-1500:] if files.log_file.exists() else ""
        raise DatabaseUnavailable(
            f"embedded database in {files.home} did not start: {output[-500:]}\n{files.log_file} ends with:\n{log}"
        )


def shut_down(files: ServerFiles) -> None:
    """Stop the server if it runs; connections are cut, open transactions rolled back."""
    if postmaster_alive(files) is None:
        return
    for mode, limit_s in (("fast", 120), ("immediate", 60)):
        code, output = run_as(
            files.account,
            [
                files.programs.path("pg_ctl"),
                "stop",
                "--wait",
                f"--mode={mode}",
                f"--timeout={limit_s}",
                f"--pgdata={files.cluster}",
            ],
            timeout_s=limit_s + 30,
            cwd=files.home,
        )
        if code == 0 or postmaster_alive(files) is None:
            return
    raise DatabaseUnavailable(f"embedded database in {files.home} does not stop: {output[-500:]}")


def postmaster_alive(files: ServerFiles) -> int | None:
    """PID of this cluster's server process, or None; a recycled PID in postmaster.pid does not count."""
    import psutil

    pid = _recorded_pid(files)
    if pid is None:
        return None
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        arguments = process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    return pid if str(files.cluster) in arguments else None


def forget_dead_postmaster(files: ServerFiles) -> None:
    """Keep a recycled PID in a dead server's postmaster.pid from blocking the start.

    Only the PID is overwritten: PostgreSQL itself still checks, by the shared memory named further down in the file,
    that no process of the dead server is left.
    """
    if _recorded_pid(files) is None or postmaster_alive(files) is not None:
        return
    path = files.cluster / "postmaster.pid"
    lines = path.read_text().splitlines(keepends=True)
    lines[0] = f"{NO_SUCH_PID}\n"
    with path.open("r+") as file:  # in place, so that the owner stays
        file.write("".join(lines))
        file.truncate()


def _recorded_pid(files: ServerFiles) -> int | None:
    try:
        return int((files.cluster / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
