"""Spawned workers: answers, errors, crashes, hangs, orphans."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from pipeline.children.process import SpawnedWorker
from pipeline.errors import AudioUndecodable, ModelUnavailable, StageTimeout, UnforeseenError, WorkerCrashed
from tests.house import PROJECT
from tests.pipeline.run.children import build_worker, refuse_to_build


@pytest.fixture
def worker() -> Iterator[SpawnedWorker]:
    worker = SpawnedWorker("test", build_worker, ("mark",))
    yield worker
    worker.close()


def test_answers_come_from_another_process_built_once(worker: SpawnedWorker) -> None:
    assert worker.call("a", 60) == "mark:a"
    pid = worker.call("pid", 60)
    assert pid != os.getpid()
    assert worker.call("pid", 60) == pid


def test_a_worker_of_one_core_leaves_no_blas_threads_spinning() -> None:
    worker = SpawnedWorker("test", build_worker, ("mark",), one_core=True)
    try:
        threads = worker.call("blas threads", 60)
    finally:
        worker.close()
    assert len(threads) >= 2, "NumPy's and SciPy's"
    assert set(threads) == {1}


def test_an_error_of_ours_keeps_its_type_and_the_process_lives_on(worker: SpawnedWorker) -> None:
    pid = worker.call("pid", 60)
    with pytest.raises(AudioUndecodable, match="no decoder"):
        worker.call("undecodable", 60)
    assert worker.call("pid", 60) == pid


def test_an_unforeseen_error_brings_its_traceback(worker: SpawnedWorker) -> None:
    with pytest.raises(UnforeseenError, match="KeyError") as caught:
        worker.call("bug", 60)
    assert "nobody foresaw this" in caught.value.traceback


def test_a_crash_is_told_and_the_next_task_gets_a_new_process(worker: SpawnedWorker) -> None:
    pid = worker.call("pid", 60)
    with pytest.raises(WorkerCrashed, match="exit code 7"):
        worker.call("crash", 60)
    assert worker.call("pid", 60) != pid


def test_a_hang_is_killed_at_its_limit(worker: SpawnedWorker) -> None:
    pid = worker.call("pid", 60)
    with pytest.raises(StageTimeout, match="killed"):
        worker.call("hang", 0.3)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert worker.call("b", 60) == "mark:b"


def test_what_building_raises_is_raised_by_the_first_call() -> None:
    worker = SpawnedWorker("test", refuse_to_build)
    with pytest.raises(ModelUnavailable, match="weights are missing"):
        worker.call("a", 60)
    worker.close()


def test_a_closed_worker_starts_no_process_again(worker: SpawnedWorker) -> None:
    worker.close()
    with pytest.raises(WorkerCrashed, match="closed"):
        worker.call("a", 60)


def test_a_child_dies_with_a_killed_parent() -> None:
    code = (
        "from pipeline.children.process import SpawnedWorker\n"
        "from tests.pipeline.run.children import build_worker\n"
        "if __name__ == '__main__':\n"
        "    worker = SpawnedWorker('orphan', build_worker, ('m',))\n"
        "    print(worker.call('pid', 60), flush=True)\n"
        "    worker.call('hang', 3600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
    for _ in range(100):
        if not _runs(pid):
            break
        time.sleep(0.1)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    """A zombie nobody reaps does not count as running."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("moment_s", [0.01, 0.1, 0.5])
def test_closing_from_another_thread_makes_the_call_under_way_a_crash_and_no_bug(moment_s: float) -> None:
    """Found by reading: `close` took the connection away from the waiting thread: an AttributeError ended the run."""
    worker = SpawnedWorker("test", build_worker, ("mark",))
    worker.call("a", 60)
    closer = threading.Timer(moment_s, worker.close)
    closer.start()
    with pytest.raises(WorkerCrashed):
        worker.call("hang", 60)
    closer.join()
    with pytest.raises(WorkerCrashed, match="closed"):
        worker.call("a", 60)
