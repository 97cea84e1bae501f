"""Freed memory is kept for the next buffer, unless the user has set the allocator."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from multiprocessing.connection import Connection

import pytest

from pipeline.children.entry import Serve
from pipeline.children.memory import keep_freed_memory
from pipeline.children.process import ChildProcess
from tests.house import PROJECT

_FAULTS = """
import resource, sys, threading
from pipeline.children.memory import keep_freed_memory

kept = keep_freed_memory() if "keep" in sys.argv else None

def work():
    for _ in range(8):
        bytearray(40 << 20)

before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
worker = threading.Thread(target=work)
worker.start()
worker.join()
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _run(*arguments: str) -> tuple[str, int]:
    clean = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES" and "MALLOC" not in name}
    command = [sys.executable, "-c", _FAULTS, *arguments]
    done = subprocess.run(command, env=clean, cwd=PROJECT, capture_output=True, text=True, check=True)
    kept, faults = done.stdout.split()
    return kept, int(faults)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_a_buffer_that_is_freed_and_taken_again_costs_no_page_faults() -> None:
    kept, faults = _run("keep")
    if kept == "False":
        pytest.skip("another C library than glibc")
    _, usual = _run()
    assert faults * 4 < usual


@pytest.mark.parametrize(
    "chosen", [{"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}, {"MALLOC_ARENA_MAX": "2"}, {"MALLOC_TRIM_THRESHOLD_": "1"}]
)
def test_who_sets_the_allocator_keeps_what_was_set(chosen: dict[str, str]) -> None:
    assert keep_freed_memory(chosen) is False


def _faults_of_a_thread() -> tuple[int, Serve]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    worker = threading.Thread(target=_take_and_free)
    worker.start()
    worker.join()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before, _serve_nothing


def _take_and_free() -> None:
    for _ in range(8):
        bytearray(40 << 20)


def _serve_nothing(_: Connection) -> None:
    pass


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_a_child_keeps_it_though_it_has_a_thread_before_its_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was asked for after the thread that watches the parent had begun, and had no effect in a run."""
    for name in [name for name in os.environ if name == "GLIBC_TUNABLES" or name.startswith("MALLOC_")]:
        monkeypatch.delenv(name)
    if _run("keep")[0] == "False":
        pytest.skip("another C library than glibc")
    faults = {}
    for keeps in (False, True):
        child = ChildProcess("memory", _faults_of_a_thread, keeps_memory=keeps)
        faults[keeps] = child.start((), 60.0)
        child.kill()
    assert faults[True] * 4 < faults[False]
