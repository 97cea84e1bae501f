"""Everything that soak tests and benchmarks of whole runs need: a server, databases, recordings, the command line."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg

from db.connection import Database, connect
from db.embedded.cluster import postmaster_alive
from db.embedded.server import EmbeddedServer
from db.migrate import migrate
from pipeline.config.areas.database import DatabaseSettings

PROJECT = Path(__file__).resolve().parents[2]
ROWS = {
    "calls": """SELECT file_name, status, flags, duration_s, transcription, agent_text_sentiment,
        client_text_sentiment, agent_text_confidence, client_text_confidence, topic, subtopic, summary, turns,
        silence_s, missing_reasons::text, transcript_fingerprint FROM calls ORDER BY 1""",
    "chunks": """SELECT file_name, channel, ordinal, role, start_s, end_s, text, text_sentiment, text_confidence
        FROM chunks JOIN calls USING (call_id) ORDER BY 1, 2, 3""",
    "steps": """SELECT file_name, step, s.fingerprint, state, payload::text
        FROM call_steps s JOIN calls USING (call_id) ORDER BY 1, 2""",
    "leftovers": "SELECT count(*) FROM finished_segments",
}
Rows = dict[str, list[tuple[Any, ...]]]


@contextmanager
def fresh_database(beside: Path | None = None) -> Iterator[tuple[Database, Path]]:
    """An embedded database, and the temporary folder that it is in, which is below `beside`."""
    with tempfile.TemporaryDirectory(prefix="earshot-bench-", dir=beside, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server's account has to pass
        with connect(DatabaseSettings(data_dir=folder / "postgres")) as database:
            yield database, folder


def processor_s(processes: Iterable[psutil.Process]) -> float:
    """Processor seconds of those that still run."""
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def with_children(pid: int | None = None) -> list[psutil.Process]:
    """A process, this one by default, and all below it."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def server_cpu_s(server: EmbeddedServer) -> float:
    """Processor seconds of all processes of the server, those that have ended among them: without these, a backend that
    ends takes back what it had taken, and rows were measured at -9 ms."""
    pid = postmaster_alive(server.files())
    assert pid is not None
    ended = psutil.Process(pid).cpu_times()
    return float(ended.children_user + ended.children_system + processor_s(with_children(pid)))


class Testbed:
    """A server, databases from a template, recordings; all in one temporary folder."""

    def __init__(self, folder: Path, engine: str) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        self.engine = engine
        self.server = EmbeddedServer(folder / "server")
        self.server.start()
        migrate(self.server.url)
        self._number = 0

    def fresh_database(self) -> str:
        self._number += 1
        name = f"soak_{self._number}"
        with psycopg.connect(self.server.url, dbname="postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "earshot"')
        return self.server.url.replace("/earshot?", f"/{name}?")

    def start(self, url: str, *settings: str, worker: bool = False, log: str = "last_run") -> subprocess.Popen[bytes]:
        """A run of the main job, or with `worker` one that helps runs; its output goes to `<log>.log`."""
        chosen = (
            f"database.url={url}",
            f"transcription.engines=[{self.engine}]",
            "transcription.scripted.missing=hash",
            f"run.spool_dir={self.folder}/spool",
            "run.backoff_initial_s=0.1",
            *settings,
        )
        config = self.folder / "config.yaml"
        config.touch()
        arguments = [sys.executable, "run.py", *(["work", "--wait"] if worker else []), "--config", str(config)]
        if worker:
            arguments += ["--set", f"output.directory={self.folder}/output"]
        else:
            arguments += ["--input", str(self.calls), "--output", str(self.folder / "output")]
            arguments += ["--save-mode", "database"]
        for setting in chosen:
            arguments += ["--set", setting]
        with (self.folder / f"{log}.log").open("wb") as output:
            return subprocess.Popen(arguments, cwd=PROJECT, stdout=output, stderr=output)

    def run(self, url: str, *settings: str) -> int:
        with self.start(url, *settings) as run:
            return run.wait()

    def must_run(self, url: str, *settings: str) -> None:
        code = self.run(url, *settings)
        if code != 0:
            raise SystemExit(f"a run that nothing disturbed exited {code}:\n{self.log()}")

    def log(self, log: str = "last_run") -> str:
        return (self.folder / f"{log}.log").read_text(encoding="utf-8", errors="replace")[-3000:]

    @staticmethod
    def rows(url: str) -> Rows:
        with psycopg.connect(url) as connection:
            return {name: connection.execute(query.encode()).fetchall() for name, query in ROWS.items()}


@contextmanager
def run_bed(engine: str, size_mb: int | None = None) -> Iterator[Testbed]:
    """A test bed; with `size_mb`, on a file system of its own of that size."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="earshot-soak-", dir=memory if memory.is_dir() else None))
    if size_mb is not None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(folder)], check=True)
    folder.chmod(0o755)
    bed = Testbed(folder, engine)
    try:
        yield bed
    finally:
        bed.server.release()
        if size_mb is not None:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        shutil.rmtree(folder, ignore_errors=True)


def differences(rows: Rows, reference: Rows) -> list[str]:
    """Differences from the undisturbed run, a line each."""
    found = []
    for name in ROWS:
        if rows[name] != reference[name]:
            pairs = zip(rows[name], reference[name], strict=False)
            first = next((f"{a} != {b}" for a, b in pairs if a != b), "")
            found.append(f"{name}: {len(rows[name])} rows for {len(reference[name])}; {first[:400]}")
    return found
