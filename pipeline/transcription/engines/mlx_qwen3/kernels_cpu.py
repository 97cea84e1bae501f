"""The CPU form of the operations: BLAS products from MLX, everything element-wise from Numba.

A result of MLX is evaluated, seen through NumPy without a copy (documented by MLX as sharing memory) and changed in
place. That is safe because each argument is a fresh intermediate that nothing else holds.
"""

from __future__ import annotations

from collections.abc import Sequence

import mlx.core as mx
import numba
import numpy as np
import numpy.typing as npt

from pipeline.transcription.engines.mlx_qwen3 import cpu_math
from pipeline.transcription.engines.mlx_qwen3.kernels import Array, Floats, SlotCache, Tokens

_GROWTH = 128
"""Tokens by which slots grow; memory is only taken from the system when it is written to."""


def _seen(x: Array) -> tuple[Array, Floats]:
    """An evaluated, contiguous array and its memory as NumPy sees it."""
    x = mx.contiguous(x)
    mx.eval(x)
    return x, np.array(x, copy=False)


class CpuKernels:
    """float32 only."""

    name = "numba"

    def __init__(self) -> None:
        # Numba's own pool sleeps between calls; OpenMP's spins, and takes the cores away from BLAS
        numba.config.THREADING_LAYER = "workqueue"  # type: ignore[attr-defined]

    def gelu(self, x: Array) -> Array:
        x, memory = _seen(x)
        cpu_math.gelu(memory.reshape(-1))
        return x

    def swiglu(self, gate: Array, up: Array) -> Array:
        mx.eval(gate, up)
        gate, memory = _seen(gate)
        up, factor = _seen(up)
        cpu_math.swiglu(memory.reshape(-1), factor.reshape(-1))
        return gate

    def attend(self, q: Array, k: Array, v: Array, scale: float, *, causal: bool) -> Array:
        rows, heads, queries, dim = q.shape
        kv_heads, keys = k.shape[1], k.shape[2]
        grouped = (q * scale).reshape(rows, kv_heads, heads // kv_heads * queries, dim)
        scores, memory = _seen(grouped @ k.swapaxes(-1, -2))
        cpu_math.softmax(memory.reshape(rows * heads, queries, keys), causal)
        out = (scores @ v).reshape(rows, heads, queries, dim)
        return out.transpose(0, 2, 1, 3).reshape(rows, queries, heads * dim)

    def pick(self, logits: Array) -> tuple[Tokens, Floats]:
        _, memory = _seen(logits)
        tokens = np.empty(len(memory), np.int64)
        probability = np.empty(len(memory), np.float32)
        cpu_math.pick(memory, tokens, probability)
        return tokens, probability

    def new_cache(self, layers: int, kv_heads: int, head_dim: int) -> SlotCache:
        return CpuSlotCache(layers, kv_heads, head_dim)


class CpuSlotCache:
    """Slots in NumPy memory; a step computes the open slots only, each over its own length: no padding at all."""

    def __init__(self, layers: int, kv_heads: int, head_dim: int) -> None:
        self.lengths = np.zeros(0, np.int64)
        self._shape = (kv_heads, head_dim)
        self._capacity = 0
        self._keys = [np.empty((0, kv_heads, 0, head_dim), np.float32) for _ in range(layers)]
        self._values = [np.empty((0, kv_heads, 0, head_dim), np.float32) for _ in range(layers)]
        self._batch: npt.NDArray[np.int64] = np.zeros(0, np.int64)

    @property
    def batch(self) -> npt.NDArray[np.int64]:
        return np.flatnonzero(self.lengths)

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in (*self._keys, *self._values))

    def open(self, lengths: Sequence[int]) -> list[int]:
        if not self.lengths.any():
            self.lengths = self.lengths[:0]
            self._resize(0, 0)
        free = [int(slot) for slot in np.flatnonzero(self.lengths == 0)]
        slots = (free + list(range(len(self.lengths), len(self.lengths) + len(lengths))))[: len(lengths)]
        self._resize(max(len(self.lengths), max(slots) + 1), max(self._capacity, max(lengths) + 1))
        self.lengths[slots] = lengths
        return slots

    def write(self, layer: int, slot: int, start: int, keys: Array, values: Array) -> None:
        end = start + keys.shape[1]
        self._keys[layer][slot, :, start:end] = np.array(keys, copy=False)
        self._values[layer][slot, :, start:end] = np.array(values, copy=False)

    def close(self, slot: int) -> None:
        self.lengths[slot] = 0

    def begin_step(self) -> None:
        self._batch = self.batch
        self._resize(len(self.lengths), max(self._capacity, int(self.lengths.max()) + 1))

    def attend(self, layer: int, q: Array, k: Array, v: Array, scale: float) -> Array:
        mx.eval(q, k, v)
        rows, heads, _, dim = q.shape
        out = np.empty((rows, heads, dim), np.float32)
        cpu_math.attend_slots(
            np.array(q, copy=False).reshape(rows, heads, dim),
            np.array(k, copy=False).reshape(rows, -1, dim),
            np.array(v, copy=False).reshape(rows, -1, dim),
            self._keys[layer],
            self._values[layer],
            self._batch,
            self.lengths[self._batch],
            scale,
            out,
        )
        return mx.array(out.reshape(rows, heads * dim))

    def end_step(self) -> None:
        self.lengths[self._batch] += 1

    def _resize(self, slots: int, capacity: int) -> None:
        """Grow (or, when every slot is free, start afresh), one layer at a time."""
        capacity = -(-capacity // _GROWTH) * _GROWTH
        if slots == len(self.lengths) == self._keys[0].shape[0] and capacity == self._capacity:
            return
        kv_heads, head_dim = self._shape
        live = np.flatnonzero(self.lengths)
        for store in (self._keys, self._values):
            for layer, old in enumerate(store):
                new = np.empty((slots, kv_heads, capacity, head_dim), np.float32)
                for slot in live:
                    new[slot, :, : self.lengths[slot]] = old[slot, :, : self.lengths[slot]]
                store[layer] = new
        self.lengths = np.concatenate([self.lengths, np.zeros(slots - len(self.lengths), np.int64)])
        self._capacity = capacity
