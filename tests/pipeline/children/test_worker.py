"""Supervised workers: answers, errors, crashes, hangs, restarts, orphans."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from pipeline.children.worker import Worker
from pipeline.errors import (
    AudioUndecodable,
    MemoryExhausted,
    ModelUnavailable,
    StageTimeout,
    UnforeseenError,
    WorkerCrashed,
)
from tests.house import PROJECT
from tests.pipeline.run.planted import build_slow_worker, build_worker, refuse_to_build
from tests.waiting import until


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker("test", build_worker, ("mark",), limit_key="run.test_s")
    yield worker
    worker.close()


def test_a_limit_of_months_is_no_error(worker: Worker) -> None:
    """Thirty calls of a day each, asked about together."""
    assert worker.call("a", 30 * 86_400) == "mark:a"


def test_answers_come_from_another_process_built_once(worker: Worker) -> None:
    assert worker.call("a", 60) == "mark:a"
    pid = worker.call("pid", 60)
    assert pid != os.getpid()
    assert worker.call("pid", 60) == pid


def test_a_worker_of_one_core_leaves_no_blas_threads_spinning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)  # limits BLAS as well, and the gate sets it
    worker = Worker("test", build_worker, ("mark",), one_core=True, limit_key="run.test_s")
    try:
        threads = worker.call("blas threads", 60)
    finally:
        worker.close()
    assert len(threads) >= 2, "NumPy's and SciPy's"
    assert set(threads) == {1}


def test_an_error_of_ours_keeps_its_type_and_the_process_lives_on(worker: Worker) -> None:
    pid = worker.call("pid", 60)
    with pytest.raises(AudioUndecodable, match="no decoder"):
        worker.call("undecodable", 60)
    assert worker.call("pid", 60) == pid


def test_a_task_without_memory_is_told_from_a_crash(worker: Worker) -> None:
    pid = worker.call("pid", 60)
    with pytest.raises(MemoryExhausted, match=r"lower run\.decode_workers"):
        worker.call("memory", 60)
    assert worker.call("pid", 60) == pid


def test_an_unforeseen_error_brings_its_traceback(worker: Worker) -> None:
    with pytest.raises(UnforeseenError, match="KeyError") as caught:
        worker.call("bug", 60)
    assert "nobody foresaw this" in caught.value.traceback


def test_a_crash_is_told_and_the_next_task_gets_a_new_process(worker: Worker) -> None:
    pid = worker.call("pid", 60)
    with pytest.raises(WorkerCrashed, match="exit code 7"):
        worker.call("crash", 60)
    assert worker.call("pid", 60) != pid


def test_a_hang_is_killed_at_its_limit(worker: Worker) -> None:
    pid = worker.call("pid", 60)
    with pytest.raises(StageTimeout, match=r"0.3 s \(run.test_s\) and was killed"):
        worker.call("hang", 0.3)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert worker.call("b", 60) == "mark:b"


def test_what_building_raises_is_raised_by_the_first_call() -> None:
    worker = Worker("test", refuse_to_build, limit_key="run.test_s")
    with pytest.raises(ModelUnavailable, match="weights are missing"):
        worker.call("a", 60)
    worker.close()


def test_a_closed_worker_starts_no_process_again(worker: Worker) -> None:
    worker.close()
    with pytest.raises(WorkerCrashed, match="closed"):
        worker.call("a", 60)


def test_a_child_dies_with_a_killed_parent() -> None:
    code = (
        "from pipeline.children.worker import Worker\n"
        "from tests.pipeline.run.planted import build_worker\n"
        "if __name__ == '__main__':\n"
        "    worker = Worker('orphan', build_worker, ('m',), limit_key='none')\n"
        "    print(worker.call('pid', 60), flush=True)\n"
        "    worker.call('hang', 3600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
    until(lambda: not _runs(pid))


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
    worker = Worker("test", build_worker, ("mark",), limit_key="run.test_s")
    worker.call("a", 60)
    closer = threading.Timer(moment_s, worker.close)
    closer.start()
    with pytest.raises(WorkerCrashed):
        worker.call("hang", 60)
    closer.join()
    with pytest.raises(WorkerCrashed, match="closed"):
        worker.call("a", 60)


@pytest.fixture
def bounded() -> Iterator[Worker]:
    """A process that is costly to start."""
    worker = Worker("test", build_worker, ("mark",), 60, restarts=2, limit_key="run.test_s")
    yield worker
    worker.close()


def test_restarts_in_a_row_are_counted(bounded: Worker) -> None:
    for _ in range(3):
        with pytest.raises(WorkerCrashed, match="exit code 7"):
            bounded.call("crash", 60)
    with pytest.raises(ModelUnavailable, match="3 times in a row"):
        bounded.call("a", 60)
    assert bounded.pid is None


def test_an_answer_in_between_gives_the_restarts_back(bounded: Worker) -> None:
    for _ in range(4):
        with pytest.raises(WorkerCrashed):
            bounded.call("crash", 60)
        assert bounded.call("a", 60) == "mark:a"


def test_a_costly_process_that_cannot_be_built_is_not_built_again() -> None:
    worker = Worker("test", refuse_to_build, restarts=5, limit_key="run.test_s")
    with pytest.raises(ModelUnavailable, match="weights are missing") as first:
        worker.call("a", 60)
    with pytest.raises(ModelUnavailable, match="weights are missing") as second:
        worker.call("a", 60)
    assert worker.pid is None
    assert second.value is first.value


@pytest.mark.parametrize(("restarts", "error"), [(None, StageTimeout), (5, ModelUnavailable)])
def test_the_start_has_a_limit(restarts: int | None, error: type[Exception]) -> None:
    worker = Worker("test", build_slow_worker, start_timeout_s=0.5, restarts=restarts, limit_key="run.test_s")
    with pytest.raises(error, match=r"not ready within 0.5 s"):
        worker.call("a", 30)
    assert worker.pid is None


def test_a_process_that_nobody_closed_does_not_keep_its_parent_from_ending() -> None:
    code = (
        "from pipeline.children.worker import Worker\n"
        "from tests.pipeline.run.planted import build_worker\n"
        "if __name__ == '__main__':\n"
        "    worker = Worker('left', build_worker, ('m',), limit_key='none')\n"
        "    print(worker.call('pid', 60))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=True
    )
    assert not _runs(int(done.stdout))


def test_a_killed_process_that_showed_a_progress_bar_leaks_no_semaphore() -> None:
    """Whisper makes a progress bar; its lock was a named semaphore, and Python warned when the run ended."""
    code = (
        "from pipeline.children.worker import Worker\n"
        "from tests.pipeline.run.planted import build_worker\n"
        "if __name__ == '__main__':\n"
        "    worker = Worker('bar', build_worker, ('m',), limit_key='none')\n"
        "    assert worker.call('progress bar', 60) == 3\n"
        "    worker.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""
