"""Runs whose workers are actors of a real Ray cluster on this machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a cluster that was there before the run, and asks for a token."""
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
        yield found.group(1)
    finally:
        head.send_signal(signal.SIGTERM)
        head.wait(60)


def test_the_rows_of_workers_on_ray_are_those_of_a_run_of_one_process(
    url: str, calls: Path, local_rows: testbed.Rows, tmp_path: Path
) -> None:
    done = Workplace(calls, tmp_path / "output", url).run(settings=(*FEW, "run.executor=ray"))
    assert done.returncode == 0, done.stderr
    assert testbed.differences(testbed.Testbed.rows(url), local_rows) == []
    assert f"{CALLS} done" in done.stdout


def test_the_calls_of_a_worker_that_is_killed_are_done_by_others(
    url: str, calls: Path, local_rows: testbed.Rows, cluster: str, tmp_path: Path
) -> None:
    place = Workplace(calls, tmp_path / "output", url)
    asleep = ("run.executor=ray", f"ray.address={cluster}", "transcription.scripted.sleep_per_audio_s=0.5")
    with subprocess.Popen(
        place.arguments(settings=(*FEW, *asleep)),
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        killed = _kill_a_worker_at_work(place, run)
        told, _ = run.communicate()
    assert run.returncode == 0, told
    assert killed is not None, f"no worker had a call: {told}"
    assert "a worker is lost" in told
    assert testbed.differences(testbed.Testbed.rows(url), local_rows) == []


def _kill_a_worker_at_work(place: Workplace, run: subprocess.Popen[str]) -> int | None:
    """Its process id, which its name in the claims holds."""
    while run.poll() is None:
        held = place.rows("SELECT worker FROM claims WHERE worker IS NOT NULL AND done_at IS NULL")
        if held:
            process = int(held[0]["worker"].split("-")[-2])
            os.kill(process, signal.SIGKILL)
            return process
        time.sleep(0.2)
    return None
