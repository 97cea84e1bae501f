"""What a spawned process does before and while it serves its parent.

Spawn everywhere, never fork: MLX hangs after fork, and a forked copy of a threaded parent may hold dead locks.
"""

from __future__ import annotations

import importlib
import logging
import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any

from pipeline.children.memory import keep_freed_memory
from pipeline.errors import portable
from pipeline.log_lines import continue_log
from pipeline.threads import begun

Serve = Callable[[Connection], None]
Setup = Callable[..., tuple[Any, Serve]]
"""Runs in the child with the arguments of `ChildProcess`.

    Returns what the parent is told once, and the function that then serves it.
    """


_BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS")


def enter(connection: Connection, setup: Setup, arguments: tuple[Any, ...], one_core: bool, keeps_memory: bool) -> None:
    """Body of every child: build, report, serve until the parent closes its end of the pipe."""
    if keeps_memory:
        keep_freed_memory()  # before any thread: glibc counts its heaps when a second one first takes memory
    begin()
    if one_core:
        hold_blas_to_one_thread()
    try:
        told, serve = setup(*arguments)
        connection.send((True, told))
    except Exception as error:  # noqa: BLE001 - handed to the parent, which raises it
        connection.send((False, portable(error)))
        return
    serve(connection)


def begin() -> None:
    """Leave Ctrl-C to the parent, die with it even when it is killed, and continue its log."""
    continue_log()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What matters comes back with results and errors; the terminal belongs to the parent's progress bar.
    logging.basicConfig(level=logging.ERROR)
    progress_bars_without_semaphore()
    parent = multiprocessing.parent_process()
    if parent is not None:
        begun("parent-watch", _die_with, parent.sentinel)


def progress_bars_without_semaphore() -> None:
    """Let tqdm lock between threads only.

    Its default lock is a named semaphore. A killed child cannot remove it: Python warns of a leak when the run ends.
    """
    lock = importlib.import_module("tqdm.std").TqdmDefaultWriteLock
    if not hasattr(lock, "mp_lock"):
        lock.mp_lock = None


def hold_blas_to_one_thread() -> None:
    """Limit BLAS to one thread in a process that shares the cores with others like it.

    Threads of a BLAS spin while they wait for the next product: on two cores they cost a run a quarter of its CPU time.
    """
    from threadpoolctl import threadpool_limits

    os.environ.update(dict.fromkeys(_BLAS_THREADS, "1"))  # for libraries that are loaded later, as SciPy's
    threadpool_limits(limits=1, user_api="blas")  # for those here already: unpickling loads NumPy


def _die_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
