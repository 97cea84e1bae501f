"""The operations in MLX's own form, and slots in MLX arrays.

Every step computes all slots, with free ones masked out: decoding on a GPU waits for weights, so an idle row costs
nothing. Each row writes at its own position.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mlx.core as mx
import numpy as np
import numpy.typing as npt

from pipeline.transcription.engines.mlx_qwen3.kernels import Array, Floats, SlotCache, Tokens

_GROWTH = 64
"""Tokens by which slots grow; attention reads keys in multiples of it as well."""


def _activation(name: str) -> Any:
    from mlx.nn.layers import activations

    return getattr(activations, name)  # a decorator makes them, which hides their types from type checkers


class MlxKernels:
    """MLX's fused operations."""

    name = "mlx"

    def __init__(self, dtype: Any) -> None:
        self._dtype = dtype

    def gelu(self, x: Array) -> Array:
        return _activation("gelu")(x)

    def swiglu(self, gate: Array, up: Array) -> Array:
        return _activation("silu")(gate) * up

    def attend(self, q: Array, k: Array, v: Array, scale: float, *, causal: bool) -> Array:
        out = mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask="causal" if causal else None)
        rows, heads, queries, dim = out.shape
        return out.transpose(0, 2, 1, 3).reshape(rows, queries, heads * dim)

    def pick(self, logits: Array) -> tuple[Tokens, Floats]:
        wide = logits.astype(mx.float32)
        best = mx.argmax(wide, axis=-1)
        probability = mx.max(wide, axis=-1) - mx.logsumexp(wide, axis=-1)
        mx.eval(best, probability)
        return np.array(best, dtype=np.int64), np.array(probability, dtype=np.float32)

    def new_cache(self, layers: int, kv_heads: int, head_dim: int) -> SlotCache:
        return MlxSlotCache(layers, kv_heads, head_dim, self._dtype)


class MlxSlotCache:
    """Keys and values of shape (slots, kv_heads, capacity, head_dim) per layer.

    `allocate` makes zeros of a shape and a type.
    """

    def __init__(
        self,
        layers: int,
        kv_heads: int,
        head_dim: int,
        dtype: Any,
        allocate: Callable[[tuple[int, ...], Any], Array] = mx.zeros,
    ) -> None:
        self.lengths = np.zeros(0, np.int64)
        self._shape = (kv_heads, head_dim)
        self._dtype = dtype
        self._allocate = allocate
        self._capacity = 0
        self._keys: list[Array] = [None] * layers
        self._values: list[Array] = [None] * layers
        self._mask: Array = None
        self._index: Array = None
        self._reach = 0

    @property
    def batch(self) -> npt.NDArray[np.int64]:
        return np.arange(len(self.lengths)) if self.lengths.any() else np.zeros(0, np.int64)

    @property
    def nbytes(self) -> int:
        return sum(int(array.nbytes) for array in (*self._keys, *self._values) if array is not None)

    def open(self, lengths: Sequence[int]) -> list[int]:
        if not self.lengths.any():
            self._drop()
        free = [int(slot) for slot in np.flatnonzero(self.lengths == 0)]
        slots = (free + list(range(len(self.lengths), len(self.lengths) + len(lengths))))[: len(lengths)]
        self._resize(max(len(self.lengths), max(slots) + 1), max(self._capacity, max(lengths) + 1))
        self.lengths[slots] = lengths
        return slots

    def write(self, layer: int, slot: int, start: int, keys: Array, values: Array) -> None:
        end = start + keys.shape[1]
        self._keys[layer][slot, :, start:end] = keys
        self._values[layer][slot, :, start:end] = values

    def close(self, slot: int) -> None:
        self.lengths[slot] = 0
        live = np.flatnonzero(self.lengths)
        if 0 < len(live) <= len(self.lengths) // 2 and len(self.lengths) == slot + 1:
            self._cut(int(live[-1]) + 1)

    def begin_step(self) -> None:
        longest = int(self.lengths.max()) + 1
        self._resize(len(self.lengths), max(self._capacity, longest))
        self._reach = min(self._capacity, -(-longest // _GROWTH) * _GROWTH)
        lengths = mx.array(self.lengths)
        self._mask = (mx.arange(self._reach)[None, :] <= lengths[:, None])[:, None, None, :]
        self._index = lengths[:, None, None, None]

    def attend(self, layer: int, q: Array, k: Array, v: Array, scale: float) -> Array:
        index = mx.broadcast_to(self._index, k.shape)
        self._keys[layer] = mx.put_along_axis(self._keys[layer], index, k, axis=2)
        self._values[layer] = mx.put_along_axis(self._values[layer], index, v, axis=2)
        out = mx.fast.scaled_dot_product_attention(
            q,
            self._keys[layer][:, :, : self._reach],
            self._values[layer][:, :, : self._reach],
            scale=scale,
            mask=self._mask,
        )
        return out.reshape(out.shape[0], -1)

    def end_step(self) -> None:
        self.lengths[self.lengths > 0] += 1

    def _drop(self) -> None:
        self.lengths = np.zeros(0, np.int64)
        self._capacity = 0
        self._keys = [None] * len(self._keys)
        self._values = [None] * len(self._values)

    def _cut(self, slots: int) -> None:
        """Give up free slots at the end, so that the last rows of a run do not carry them along."""
        self.lengths = self.lengths[:slots].copy()
        for store in (self._keys, self._values):
            for layer in range(len(store)):
                store[layer] = _small_copy(store[layer][:slots])

    def _resize(self, slots: int, capacity: int) -> None:
        capacity = -(-capacity // _GROWTH) * _GROWTH
        held = len(self.lengths)
        if slots == held and capacity == self._capacity:
            return
        kv_heads, head_dim = self._shape
        try:
            for store in (self._keys, self._values):
                for layer, old in enumerate(store):
                    new = self._allocate((slots, kv_heads, capacity, head_dim), self._dtype)
                    if old is not None:
                        new[:held, :, : self._capacity] = old
                    mx.eval(new)  # one layer at a time, so that only one is held twice
                    store[layer] = new
        except BaseException:
            self._cut_back()
            raise
        self.lengths = np.concatenate([self.lengths, np.zeros(slots - held, np.int64)])
        self._capacity = capacity

    def _cut_back(self) -> None:
        """Bring all layers back to the shape they last shared: the next step fails if only some are enlarged."""
        held = len(self.lengths)
        for store in (self._keys, self._values):
            for layer, array in enumerate(store):
                if array is None or not held:
                    store[layer] = None
                elif array.shape[0] != held or array.shape[2] != self._capacity:
                    store[layer] = _small_copy(array[:held, :, : self._capacity])


def _small_copy(view: Array) -> Array:
    """A copy, so that the memory behind the view is freed; the view itself where there is no room for a copy."""
    try:
        copy = mx.contiguous(view)
        mx.eval(copy)
    except (RuntimeError, MemoryError):
        return view
    return copy
