"""How a process takes memory from the system."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Parameters of `mallopt`, as in glibc's malloc.h."""
_NEVER = 2**31 - 1
_LARGEST_ON_THE_HEAP = 2**30


def keep_freed_memory(environment: Mapping[str, str] = os.environ) -> bool:
    """Let glibc keep what is freed, in one heap for all threads. False with another C library, or where the user has
    set its allocator (`GLIBC_TUNABLES`, `MALLOC_…_`).

    A neural network frees and takes the same large buffers in every layer. By default each goes back to the system,
    which hands it out again page by page, filled with zeros. To be called before the threads that allocate begin.
    """
    chosen = [name for name in environment if name == "GLIBC_TUNABLES" or name.startswith("MALLOC_")]
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or any(environment[name] for name in chosen):
        return False
    wanted = ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, _LARGEST_ON_THE_HEAP), (_TRIM_THRESHOLD, _NEVER))
    taken = [mallopt(parameter, value) == 1 for parameter, value in wanted]
    return all(taken)
