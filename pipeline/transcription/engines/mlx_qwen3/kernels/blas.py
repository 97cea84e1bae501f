"""Does MLX on a Linux CPU run on the reference BLAS, fifty times slower than necessary?"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

REMEDY = (
    "install libopenblas0-pthread and start with LD_PRELOAD=libopenblas.so.0 (Debian puts it under "
    "/usr/lib/<architecture>/openblas-pthread/), or list faster_whisper first in transcription.engines: it is the "
    "better choice on such a machine"
)
_ROWS, _INNER, _COLUMNS = 96, 256, 256
_COUNT = 2e-9 * _ROWS * _INNER * _COLUMNS
"""Billions of operations in one product: 3 ms at 4 GFLOP/s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlasReport:
    """What the probe found."""

    device: str
    gflops: float | None
    """Rate of float32 products; None where it was not measured (a GPU, or MLX cannot be imported)."""
    slow: bool
    message: str
    """One sentence; says what to do when `slow`."""


def blas_probe(budget_ms: int = 20, min_gflops: float = 20.0) -> BlasReport:
    """Multiply small matrices for about `budget_ms` (after one to warm up). Loads MLX.

    The rate is per wall second or processor second, whichever are fewer: a busy machine must not look like a slow
    library.
    """
    try:
        import mlx.core as mx
    except ImportError as error:
        return BlasReport(
            device="none", gflops=None, slow=False, message=f"MLX cannot be imported here ({error}); use another engine"
        )
    device = mx.default_device()
    if device != mx.Device(mx.cpu) or sys.platform == "darwin":
        return BlasReport(device=str(device), gflops=None, slow=False, message=f"MLX computes on {device}")
    a = mx.full((_ROWS, _INNER), 0.5)
    b = mx.full((_INNER, _COLUMNS), 0.25)
    mx.eval(a @ b)
    best = 0.0
    end = time.perf_counter() + budget_ms / 1000
    while True:
        start, spent = time.perf_counter(), time.process_time()
        mx.eval(a @ b)
        now = time.perf_counter()
        best = max(best, _COUNT / max(1e-6, min(now - start, time.process_time() - spent)))
        if now >= end:
            break
    return report(str(device), best, min_gflops)


def report(device: str, gflops: float, min_gflops: float) -> BlasReport:
    """Judge a measured rate."""
    if gflops < min_gflops:
        message = f"MLX multiplies at {gflops:.0f} GFLOP/s here, as slow as the reference BLAS: {REMEDY}"
        return BlasReport(device=device, gflops=gflops, slow=True, message=message)
    message = f"MLX multiplies at {gflops:.0f} GFLOP/s"
    return BlasReport(device=device, gflops=gflops, slow=False, message=message)
