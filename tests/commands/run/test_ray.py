"""Runs whose workers are actors of a real Ray cluster on this machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import pytest

from bench.materials import testbed
from bench.materials.recordings import short_calls
from db.embedded.server import EmbeddedServer
from tests.commands.running import SCRIPTED, Workplace
from tests.databases import TEMPLATE, fresh_database
from tests.house import PROJECT

pytest.importorskip("ray", reason="needs the extra ray: pip install -r requirements-ray.lock")
pytestmark = [pytest.mark.ray, pytest.mark.slow]

CALLS = 10
FEW = ("run.decode_workers=1", "ray.cpus_per_worker=0.5", "ray.calls_per_worker=5", *SCRIPTED)


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("calls")
    short_calls(folder, CALLS, length_s=2.0)
    return folder


@pytest.fixture(scope="module")
def local_rows(calls: Path, server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[testbed.Rows]:
    """What a run of one process makes of them."""
    for url in fresh_database(server, TEMPLATE):
        place = Workplace(calls, tmp_path_factory.mktemp("local") / "output", url)
        assert place.run(settings=FEW).returncode == 0
        yield testbed.Testbed.rows(url)


@pytest.fixture(autouse=True)
def _as_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray gives way to whatever else is at work on the machine; a test would take minutes."""
    monkeypatch.setenv("RAY_worker_niceness", "0")


@pytest.fixture
def place(url: str, calls: Path, tmp_path: Path) -> Workplace:
    return Workplace(calls, tmp_path / "output", url)


@dataclass(frozen=True, slots=True)
class Head:
    """Of a cluster."""

    address: str
    process: int


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Head]:
    """A cluster that was there before the run, and asks for a token."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef" * 4)
    ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--port=0", "--num-cpus=2", "--block"]
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONUNBUFFERED": "1"}
    told = tmp_path / "head.log"
    with told.open("wb") as output:
        head = subprocess.Popen([*ray, "--include-dashboard=false"], stdout=output, stderr=output, env=environment)
    try:
        for _ in range(600):
            if found := re.search(r"--address='([^']+)'", told.read_text(encoding="utf-8")):
                break
            if head.poll() is not None:
                pytest.fail(told.read_text(encoding="utf-8"))
            time.sleep(0.2)
        else:
            pytest.fail(f"no head within 120 s: {told.read_text(encoding='utf-8')}")
        yield Head(found.group(1), head.pid)
    finally:
        head.send_signal(signal.SIGTERM)
        head.wait(60)


def test_the_rows_of_workers_on_ray_are_those_of_a_run_of_one_process(
    place: Workplace, url: str, local_rows: testbed.Rows
) -> None:
    done = place.run(settings=(*FEW, "run.executor=ray"))
    assert done.returncode == 0, done.stderr
    assert testbed.differences(testbed.Testbed.rows(url), local_rows) == []
    assert f"{CALLS} done" in done.stdout


def test_the_calls_of_a_worker_that_is_killed_are_done_by_others(
    place: Workplace, url: str, local_rows: testbed.Rows, cluster: Head
) -> None:
    told = run_and_kill(place, cluster, partial(_a_worker_at_work, place))
    assert "a worker is lost" in told
    assert testbed.differences(testbed.Testbed.rows(url), local_rows) == []


@pytest.mark.parametrize("task", ["decoder", "analysis"])
def test_a_task_whose_process_is_killed_is_done_again(
    task: str, place: Workplace, url: str, local_rows: testbed.Rows, cluster: Head
) -> None:
    told = run_and_kill(place, cluster, partial(_a_task_at_work, task, cluster))
    assert "a worker is lost" not in told, "its actor goes on"
    assert testbed.differences(testbed.Testbed.rows(url), local_rows) == []


def run_and_kill(place: Workplace, cluster: Head, victim: Callable[[], int | None]) -> str:
    """What a run says in which the first process that `victim` finds is killed."""
    asleep = ("run.executor=ray", f"ray.address={cluster.address}", "transcription.scripted.sleep_per_audio_s=0.5")
    killed = None
    with subprocess.Popen(
        place.arguments(settings=(*FEW, *asleep)),
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        while killed is None and run.poll() is None:
            if (killed := victim()) is not None:
                os.kill(killed, signal.SIGKILL)
            time.sleep(0.05)
        told, _ = run.communicate()
    assert run.returncode == 0, told
    assert killed is not None, f"there was none to be killed: {told}"
    return told


def _a_worker_at_work(place: Workplace) -> int | None:
    """Its name in the claims holds its process id."""
    held = place.rows("SELECT worker FROM claims WHERE worker IS NOT NULL AND done_at IS NULL")
    return int(held[0]["worker"].split("-")[-2]) if held else None


def _a_task_at_work(task: str, cluster: Head) -> int | None:
    """Ray names a process by the task that it is at."""
    for process in psutil.Process(cluster.process).children(recursive=True):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if process.cmdline()[:1] == [f"ray::{task}"]:
                return int(process.pid)
    return None
