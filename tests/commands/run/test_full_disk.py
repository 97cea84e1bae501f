"""The main job on a disk that is too small: waited for, no call blamed, nothing lost. Needs leave to mount."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.materials.recordings import short_calls
from db.embedded.server import EmbeddedServer
from tests.commands.running import SCRIPTED, Workplace
from tests.databases import TEMPLATE, fresh_database

ROOM = "1200k"
"""Less than the spool of one call of ten seconds (2 channels, 16 kHz, float32: 1,280 kB)."""


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of `size` in memory, mounted at `folder`."""
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None:
        pytest.skip("no mount command here: a full disk cannot be made")
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def grow(folder: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)


@pytest.fixture
def place(server: EmbeddedServer, tmp_path: Path) -> Iterator[Workplace]:
    for url in fresh_database(server, TEMPLATE):
        short_calls(tmp_path / "calls", 3, length_s=10.0)
        yield Workplace(tmp_path / "calls", tmp_path / "output", url)


def test_a_full_spool_is_waited_for_and_every_call_is_done(place: Workplace, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", ROOM) as disk:
        ended = threading.Event()

        def free_once_it_waits() -> None:
            while not ended.wait(0.05):
                if any("waiting up to" in log.read_text("utf-8") for log in place.output.glob("logs/*.jsonl")):
                    grow(disk, "100m")
                    return

        freed = threading.Thread(target=free_once_it_waits)
        freed.start()
        done = place.run(settings=[*SCRIPTED, f"run.spool_dir={disk}/spool"])
        ended.set()
        freed.join()
        assert not list(disk.rglob("*.f32"))
    assert done.returncode == 0, done.stderr
    assert "waiting up to 600 s for space" in " ".join(done.stderr.split())
    assert place.rows("SELECT count(*) AS n FROM calls WHERE status = 'done'") == [{"n": 3}]


def test_a_spool_that_stays_full_ends_with_3_and_blames_no_call(place: Workplace, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", ROOM) as disk:
        settings = [*SCRIPTED, f"run.spool_dir={disk}/spool", "run.disk_patience_s=1"]
        done = place.run(settings=settings)
        assert done.returncode == 3, done.stderr
        assert "No space left on device" in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr
        assert place.rows("SELECT * FROM calls WHERE status IN ('failed', 'quarantined')") == []
        grow(disk, "100m")
        assert place.run(settings=settings).returncode == 0
    assert place.rows("SELECT count(*) AS n FROM calls WHERE status = 'done'") == [{"n": 3}]


def test_a_full_output_folder_is_waited_for(place: Workplace, tmp_path: Path) -> None:
    with small_disk(place.output, "100m") as disk:
        ballast = disk / "ballast"
        stop = threading.Event()

        def fill_at_the_end() -> None:
            """Take all room once every call is stored, give it back some seconds later."""
            while not stop.wait(0.05):
                if place.rows("SELECT count(*) AS n FROM calls WHERE status = 'done'") == [{"n": 3}]:
                    fill(ballast)
                    time.sleep(4.0)
                    ballast.unlink()
                    return

        filler = threading.Thread(target=fill_at_the_end)
        filler.start()
        done = place.run(settings=[*SCRIPTED, f"run.spool_dir={tmp_path}/spool"])
        stop.set()
        filler.join()
        assert done.returncode == 0, done.stderr
        assert list(disk.glob("results_*.csv"))
        assert not list(disk.glob(".*.part"))
        assert place.statuses()["counts"]["done"] == 3


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65_536))
        except OSError:
            return
