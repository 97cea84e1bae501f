"""Element-wise functions and cached attention for a CPU, compiled by Numba (LLVM vectorises and threads them).

MLX's CPU back end computes exp, erf and their kin one value at a time on one thread: 9 to 24 ns a value, half of a
Qwen3-ASR prefill. These take under 1 ns. All arrays are C-contiguous float32 and are changed in place.
exp: range reduction by log 2 and the degree-5 polynomial of Cephes `expf` (S. Moshier), 2e-7 relative.
erf: the rational approximation x P(x^2)/Q(x^2) on |x| <= 4 that Eigen uses, 3e-7 absolute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba as nb
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
F = np.float32
_BLOCK = 8192
_FAST = {"nsz", "arcp", "contract", "afn", "reassoc"}
"""Reordering of sums is allowed; NaN and infinity keep their meaning, so that damaged weights are noticed."""
Kernel = TypeVar("Kernel", bound=Callable[..., None])


def _jit(function: Kernel) -> Kernel:
    return cast(Kernel, nb.njit(fastmath=_FAST, cache=True)(function))


def _parallel(function: Kernel) -> Kernel:
    return cast(Kernel, nb.njit(fastmath=_FAST, cache=True, parallel=True)(function))


@_jit
def _exp_in_place(x: Floats, scratch: npt.NDArray[np.int32]) -> None:
    """x := exp(x) for x in -87..88 (clamped); `scratch` has x's length."""
    power = scratch.view(np.float32)
    for i in range(x.size):
        value = min(max(x[i], F(-87.0)), F(88.0))
        n = np.floor(value * F(1.4426950408889634) + F(0.5))
        scratch[i] = (np.int32(n) + np.int32(127)) << np.int32(23)
        x[i] = value - n * F(0.693359375) + n * F(2.12194440e-4)
    for i in range(x.size):
        r = x[i]
        p = F(1.9875691500e-4)
        p = p * r + F(1.3981999507e-3)
        p = p * r + F(8.3334519073e-3)
        p = p * r + F(4.1665795894e-2)
        p = p * r + F(1.6666665459e-1)
        p = p * r + F(5.0000001201e-1)
        x[i] = (p * r * r + r + F(1.0)) * power[i]


@_parallel
def gelu(x: Floats) -> None:
    """x := x (1 + erf(x / sqrt 2)) / 2, shape (n,)."""
    for block in nb.prange((x.size + _BLOCK - 1) // _BLOCK):
        for i in range(block * _BLOCK, min(x.size, (block + 1) * _BLOCK)):
            value = x[i]
            z = min(max(value * F(0.7071067811865476), F(-4.0)), F(4.0))
            s = z * z
            p = F(-2.72614225801306e-10)
            p = p * s + F(2.77068142495902e-08)
            p = p * s + F(-2.10102402082508e-06)
            p = p * s + F(-5.69250639462346e-05)
            p = p * s + F(-7.34990630326855e-04)
            p = p * s + F(-2.95459980854025e-03)
            p = p * s + F(-1.60960333262415e-02)
            q = F(-1.45660718464996e-05)
            q = q * s + F(-2.13374055278905e-04)
            q = q * s + F(-1.68282697438203e-03)
            q = q * s + F(-7.37332916720468e-03)
            q = q * s + F(-1.42647390514189e-02)
            x[i] = F(0.5) * value * (F(1.0) + z * p / q)


@_parallel
def swiglu(gate: Floats, up: Floats) -> None:
    """gate := gate sigmoid(gate) up, shape (n,)."""
    for block in nb.prange((gate.size + _BLOCK - 1) // _BLOCK):
        first = block * _BLOCK
        last = min(gate.size, first + _BLOCK)
        e = np.empty(last - first, np.float32)
        scratch = np.empty(last - first, np.int32)
        for i in range(last - first):
            e[i] = -gate[first + i]
        _exp_in_place(e, scratch)
        for i in range(last - first):
            gate[first + i] = gate[first + i] / (F(1.0) + e[i]) * up[first + i]


@_parallel
def softmax(scores: Floats, causal: bool) -> None:
    """Softmax over the last axis of (heads, queries, keys); if causal, query i sees the first keys - queries + i + 1.

    Unseen keys become 0.
    """
    heads, queries, keys = scores.shape
    for row in nb.prange(heads * queries):
        head = row // queries
        query = row % queries
        seen = keys - queries + query + 1 if causal else keys
        values = scores[head, query, :seen]
        top = values[0]
        for i in range(seen):
            top = max(top, values[i])
        for i in range(seen):
            values[i] -= top
        _exp_in_place(values, np.empty(seen, np.int32))
        total = F(0.0)
        for i in range(seen):
            total += values[i]
        for i in range(seen):
            values[i] /= total
        for i in range(seen, keys):
            scores[head, query, i] = F(0.0)


@_parallel
def attend_slots(  # noqa: PLR0912, PLR0917 - one loop nest; Numba takes no records
    q: Floats,
    k: Floats,
    v: Floats,
    keys: Floats,
    values: Floats,
    slots: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    scale: float,
    out: Floats,
) -> None:
    """Write one new token per row into its slot and attend to everything in the slot.

    Shapes: q and out (rows, heads, dim), k and v (rows, kv_heads, dim), keys and values (slots, kv_heads, capacity,
    dim); `slots` and `lengths` (rows,): where each row lives, and how many tokens it held before this one.
    """
    rows, heads, dim = q.shape
    kv_heads = k.shape[1]
    group = heads // kv_heads
    for task in nb.prange(rows * kv_heads):
        row = task // kv_heads
        kv = task % kv_heads
        slot = slots[row]
        length = lengths[row]
        for d in range(dim):
            keys[slot, kv, length, d] = k[row, kv, d]
            values[slot, kv, length, d] = v[row, kv, d]
        weights = np.empty((group, length + 1), np.float32)
        for t in range(length + 1):
            for g in range(group):
                dot = F(0.0)
                for d in range(dim):
                    dot += q[row, kv * group + g, d] * keys[slot, kv, t, d]
                weights[g, t] = dot * F(scale)
        for g in range(group):
            line = weights[g]
            top = line[0]
            for t in range(length + 1):
                top = max(top, line[t])
            for t in range(length + 1):
                line[t] -= top
            _exp_in_place(line, np.empty(length + 1, np.int32))
            total = F(0.0)
            for t in range(length + 1):
                total += line[t]
            for t in range(length + 1):
                line[t] /= total
            for d in range(dim):
                out[row, kv * group + g, d] = F(0.0)
        for t in range(length + 1):
            for g in range(group):
                weight = weights[g, t]
                for d in range(dim):
                    out[row, kv * group + g, d] += weight * values[slot, kv, t, d]


@_parallel
def pick(logits: Floats, tokens: npt.NDArray[np.int64], log_probabilities: Floats) -> None:
    """Greedy token of each row of (rows, vocabulary), the first among equals, and its natural log-probability."""
    rows, size = logits.shape
    for row in nb.prange(rows):
        line = logits[row]
        best = 0
        for i in range(size):
            if line[i] > line[best]:
                best = i
        top = line[best]
        total = np.float64(0.0)
        scratch = np.empty(_BLOCK, np.int32)
        part = np.empty(_BLOCK, np.float32)
        for first in range(0, size, _BLOCK):
            n = min(_BLOCK, size - first)
            for i in range(n):
                part[i] = line[first + i] - top
            _exp_in_place(part[:n], scratch[:n])
            block_total = F(0.0)
            for i in range(n):
                block_total += part[i]
            total += block_total
        tokens[row] = best
        log_probabilities[row] = -np.log(total)
