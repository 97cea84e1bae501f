"""A database server that is lost while workers are at it, and its replica promoted: what ends how, what is lost.

    python -m bench.promotion [--promotions 5] [--calls 40] [--workers 2] [--behind-s 0] [--seed 1]

Two PostgreSQL servers of this machine, the second an asynchronous replica (`pg_basebackup`, streaming). A run and its
helpers (`run.py work --wait`) reach them by one address (`database.url` with both hosts and
`target_session_attrs=read-write`). At a random moment the first is killed with all its processes and the second
promoted. With `--behind-s` the replica has received nothing for that long before. A second run, undisturbed, then
finishes what is left, and the rows must be those of a run that was never disturbed. Exits with 1 when anything differs
or is lost.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg

from bench.materials.recordings import short_calls
from bench.materials.testbed import Testbed, differences, run_bed
from db.embedded.accounts import run_as
from db.embedded.clients import free_port
from db.embedded.files import ServerFiles, own
from db.migrate import migrate

_LIMIT_S = 300.0
_OPTIONS = (
    "-c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c wal_level=replica -c max_wal_senders=4 -c jit=off"
)
_SETTINGS = ("transcription.scripted.sleep_per_audio_s=0.5", "run.lease_s=30", "database.patience_s=240")


class Servers:
    """A primary server and its replica, in two folders of `folder`."""

    def __init__(self, files: ServerFiles, folder: Path) -> None:
        self._files = files
        self._folders = (folder / "primary", folder / "replica")
        self._ports = (free_port(), free_port())
        folder.mkdir()
        own(folder, files.account, 0o700)
        primary, replica = self._folders
        self._ask(
            "initdb", f"--pgdata={primary}", "--username=earshot", "--auth=trust", "--encoding=UTF8", "--locale=C"
        )
        self._start(0)
        with psycopg.connect(self._url(0, "postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE earshot")
        migrate(self._url(0))
        source = ("--host=127.0.0.1", f"--port={self._ports[0]}", "--username=earshot")
        self._ask(
            "pg_basebackup",
            f"--pgdata={replica}",
            "--write-recovery-conf",
            "--wal-method=stream",
            "--checkpoint=fast",
            *source,
        )
        self._start(1)

    @property
    def url(self) -> str:
        """Whichever of the two takes writes."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._ports)
        return f"postgresql://earshot@{hosts}/earshot?target_session_attrs=read-write"

    def _url(self, number: int, database: str = "earshot") -> str:
        return f"postgresql://earshot@127.0.0.1:{self._ports[number]}/{database}"

    def _ask(self, program: str, *arguments: str) -> None:
        command = [self._files.programs.path(program), *arguments]
        code, output = run_as(self._files.account, command, timeout_s=_LIMIT_S, cwd=self._files.home)
        if code != 0:
            raise RuntimeError(f"{program}: {output[-2000:]}")

    def _start(self, number: int) -> None:
        folder = self._folders[number]
        options = f"--options={_OPTIONS} -c port={self._ports[number]}"
        self._ask("pg_ctl", "start", "--wait", f"--pgdata={folder}", f"--log={folder}.log", options)

    def _processes(self, number: int) -> list[psutil.Process]:
        with suppress(OSError, ValueError, psutil.NoSuchProcess):
            pid = int((self._folders[number] / "postmaster.pid").read_text(encoding="utf-8").split()[0])
            postmaster = psutil.Process(pid)
            return [postmaster, *postmaster.children(recursive=True)]
        return []

    def hold_replica(self) -> None:
        """It receives nothing from now on."""
        for process in self._processes(1):
            if "walreceiver" in " ".join(process.cmdline()):
                process.suspend()

    def promote(self) -> None:
        """The first server is killed, and the second takes its place with what it has received."""
        for process in self._processes(0):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for process in self._processes(1):
            if "walreceiver" in " ".join(process.cmdline()):
                with suppress(psutil.NoSuchProcess):
                    process.terminate()  # before it reads what lies in its socket: a lost region sends nothing after
                    process.resume()
        self._ask("pg_ctl", "promote", "--wait", f"--pgdata={self._folders[1]}")

    def stop(self) -> None:
        for number in (1, 0):
            for process in self._processes(number):
                with suppress(psutil.NoSuchProcess):
                    process.kill()


@contextmanager
def two_servers(bed: Testbed, name: str) -> Iterator[Servers]:
    servers = Servers(bed.server.files(), bed.server.files().home / name)
    try:
        yield servers
    finally:
        servers.stop()


def promotion(bed: Testbed, servers: Servers, after_s: float, behind_s: float, workers: int) -> dict[str, Any]:
    """One run whose database is lost after `after_s` of work."""
    run = bed.start(servers.url, *_SETTINGS, log="run")
    helpers = [bed.start(servers.url, *_SETTINGS, worker=True, log=f"worker_{number}") for number in range(workers)]
    try:
        _wait_for_a_call(servers.url, run)
        time.sleep(after_s)
        if behind_s:
            servers.hold_replica()
        time.sleep(behind_s)
        stored = _stored(servers.url)
        servers.promote()
        kept = _stored(servers.url)
        code = run.wait(_LIMIT_S)
        for helper in helpers:
            helper.send_signal(signal.SIGTERM)
        codes = [helper.wait(_LIMIT_S) for helper in helpers]
    finally:
        for process in (run, *helpers):
            process.kill()
    done = _stored(servers.url)
    again = bed.run(servers.url, *_SETTINGS)
    return {
        "stored_before": stored,
        "stored_on_the_replica": kept,
        "exit_of_the_run": code,
        "exits_of_helpers": codes,
        "stored_after_the_run": done,
        "exit_of_the_next_run": again,
    }


def _wait_for_a_call(url: str, run: subprocess.Popen[bytes]) -> None:
    while run.poll() is None and _stored(url) == 0:
        time.sleep(0.1)


def _stored(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM calls WHERE status = 'done'").fetchone()
    assert row is not None
    return int(row[0])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--promotions", type=int, default=5)
    parser.add_argument("--calls", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--behind-s", type=float, default=0.0, help="seconds that the replica lacks")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    dice = random.Random(chosen.seed)
    faults = 0
    with run_bed("scripted") as bed:
        short_calls(bed.calls, chosen.calls, length_s=6.0)
        alone = bed.fresh_database()
        if bed.run(alone, *_SETTINGS):
            print(bed.log(), file=sys.stderr)
            return 1
        reference = bed.rows(alone)
        for number in range(chosen.promotions):
            with two_servers(bed, f"pair_{number}") as servers:
                after_s = dice.uniform(0.0, chosen.calls / 8)
                told = promotion(bed, servers, after_s, chosen.behind_s, chosen.workers)
                unlike = differences(bed.rows(servers.url), reference)
            faults += bool(unlike or told["exit_of_the_next_run"])
            print(json.dumps({"bench": "promotion", "number": number, **told, "unlike": unlike}), flush=True)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
