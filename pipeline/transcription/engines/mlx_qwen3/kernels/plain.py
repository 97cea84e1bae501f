"""The operations in MLX's own form, and slots in MLX arrays.

`MlxKernels` computes what the package computes, operation by operation, so that a CPU's float32 tokens are the
package's. `gpu.py` has the form for a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mlx.core as mx
import numpy as np
import numpy.typing as npt

from pipeline.transcription.engines.mlx_qwen3.kernels.operations import Array, SlotCache
from pipeline.transcription.engines.mlx_qwen3.layers import DecoderLayer

_GROWTH = 64
"""Tokens by which slots grow; attention reads keys in multiples of it as well."""


def _activation(name: str) -> Any:
    from mlx.nn.layers import activations

    return getattr(activations, name)  # a decorator makes them, which hides their types from type checkers


class MlxKernels:
    """MLX's operations, for a CPU: nothing is padded, compiled or begun early."""

    name = "mlx"
    rows = 16
    ahead = 0
    conv_chunks = 8
    chunk_multiple = 1
    groups = 4
    group_s = 120.0

    def __init__(self, dtype: Any) -> None:
        self._dtype = dtype

    def gelu(self, x: Array) -> Array:
        return _activation("gelu")(x)

    def swiglu(self, gate_up: Array) -> Array:
        width = gate_up.shape[-1] // 2
        return _activation("silu")(gate_up[..., :width]) * gate_up[..., width:]

    def rotation(self, rotary: Any, starts: Array, tokens: int, dtype: Any) -> Any:
        """cos and sin of shape (rows, 1, tokens, head_dim): text and audio share one position in all three axes."""
        positions = starts[:, None] + mx.arange(tokens)[None]
        cos, sin = rotary(mx.broadcast_to(positions[:, None], (positions.shape[0], 3, tokens)), dtype=dtype)
        return cos[:, None], sin[:, None]

    def heads(self, layer: DecoderLayer, projected: Array, rotation: Any) -> tuple[Array, Array, Array]:
        from mlx_qwen3_asr.mrope import apply_rotary_pos_emb

        attention = layer.module.self_attn
        keys = layer.heads + layer.kv_heads
        q = attention.q_norm(projected[:, :, : layer.heads]).transpose(0, 2, 1, 3)
        k = attention.k_norm(projected[:, :, layer.heads : keys]).transpose(0, 2, 1, 3)
        q, k = apply_rotary_pos_emb(q, k, *rotation)
        return q, k, projected[:, :, keys:].transpose(0, 2, 1, 3)

    def attend(self, q: Array, k: Array, v: Array, scale: float, mask: Array | str | None) -> Array:
        out = mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask=mask)
        rows, heads, queries, dim = out.shape
        return out.transpose(0, 2, 1, 3).reshape(rows, queries, heads * dim)

    def slot_mask(self, lengths: Array, reach: int) -> Array:
        return (mx.arange(reach)[None, :] <= lengths[:, None])[:, None, None, :]

    def attend_slots(self, q: Array, keys: Array, values: Array, scale: float, *, mask: Array, reach: int) -> Array:
        out = mx.fast.scaled_dot_product_attention(q, keys[:, :, :reach], values[:, :, :reach], scale=scale, mask=mask)
        return out.reshape(out.shape[0], -1)

    def pick(self, logits: Array) -> tuple[Array, Array]:
        wide = logits.astype(mx.float32)
        return mx.argmax(wide, axis=-1).astype(mx.int32), mx.max(wide, axis=-1) - mx.logsumexp(wide, axis=-1)

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return function

    def new_cache(self, layers: int, kv_heads: int, head_dim: int) -> SlotCache:
        return MlxSlotCache(layers, kv_heads, head_dim, self._dtype)


class MlxSlotCache:
    """Keys and values of shape (slots, kv_heads, capacity, head_dim) per layer.

    `allocate` makes zeros of a shape and a type. `slot_count` says how many slots are held where so many are needed,
    `growth` by how many tokens they grow.
    """

    def __init__(
        self,
        layers: int,
        kv_heads: int,
        head_dim: int,
        dtype: Any,
        allocate: Callable[[tuple[int, ...], Any], Array] = mx.zeros,
        *,
        slot_count: Callable[[int], int] = int,
        growth: int = _GROWTH,
    ) -> None:
        self.lengths = np.zeros(0, np.int64)
        self.keys: list[Array] = [None] * layers
        self.values: list[Array] = [None] * layers
        self._shape = (kv_heads, head_dim)
        self._dtype = dtype
        self._allocate = allocate
        self._slot_count = slot_count
        self._growth = growth
        self._capacity = 0

    @property
    def batch(self) -> npt.NDArray[np.int64]:
        return np.arange(len(self.lengths)) if self.lengths.any() else np.zeros(0, np.int64)

    @property
    def nbytes(self) -> int:
        return sum(int(array.nbytes) for array in (*self.keys, *self.values) if array is not None)

    def open(self, lengths: Sequence[int]) -> list[int]:
        if not self.lengths.any():
            self._drop()
        free = [int(slot) for slot in np.flatnonzero(self.lengths == 0)]
        slots = (free + list(range(len(self.lengths), len(self.lengths) + len(lengths))))[: len(lengths)]
        needed = max(slots) + 1
        held = len(self.lengths) if needed <= len(self.lengths) else self._slot_count(needed)
        self._resize(held, max(self._capacity, max(lengths) + 1))
        self.lengths[slots] = lengths
        return slots

    def fill(self, layer: int, slots: Sequence[int], keys: Array, values: Array) -> None:
        rows: Any = mx.array(list(slots))
        if list(slots) == list(range(slots[0], slots[0] + len(slots))):
            rows = slice(slots[0], slots[0] + len(slots))
        self.keys[layer][rows, :, : keys.shape[2]] = keys
        self.values[layer][rows, :, : keys.shape[2]] = values

    def close(self, slot: int) -> None:
        self.lengths[slot] = 0
        live = np.flatnonzero(self.lengths)
        if 0 < len(live) <= len(self.lengths) // 2:
            needed = self._slot_count(int(live[-1]) + 1)
            if needed < len(self.lengths):
                self._cut(needed)

    def begin_step(self) -> int:
        longest = int(self.lengths.max()) + 1
        self._resize(len(self.lengths), max(self._capacity, longest))
        return min(self._capacity, -(-longest // self._growth) * self._growth)

    def end_step(self) -> None:
        self.lengths[self.lengths > 0] += 1

    def _drop(self) -> None:
        self.lengths = np.zeros(0, np.int64)
        self._capacity = 0
        self.keys = [None] * len(self.keys)
        self.values = [None] * len(self.values)

    def _cut(self, slots: int) -> None:
        """Give up free slots at the end, so that the last rows of a run do not carry them along."""
        self.lengths = self.lengths[:slots].copy()
        for store in (self.keys, self.values):
            for layer in range(len(store)):
                store[layer] = _small_copy(store[layer][:slots])

    def _resize(self, slots: int, capacity: int) -> None:
        capacity = -(-capacity // self._growth) * self._growth
        held = len(self.lengths)
        if slots == held and capacity == self._capacity:
            return
        kv_heads, head_dim = self._shape
        try:
            for store in (self.keys, self.values):
                for layer, old in enumerate(store):
                    new = self._allocate((slots, kv_heads, capacity, head_dim), self._dtype)
                    if old is not None:
                        new[:held, :, : self._capacity] = old
                    # Not waited for. Each begins by itself: MLX waits where layers held twice would pass its limit.
                    mx.async_eval(new)  # type: ignore[no-untyped-call]
                    store[layer] = new
        except BaseException:
            self._cut_back()
            raise
        self.lengths = np.concatenate([self.lengths, np.zeros(slots - held, np.int64)])
        self._capacity = capacity

    def _cut_back(self) -> None:
        """Bring all layers back to the shape they last shared: the next step fails if only some are enlarged."""
        held = len(self.lengths)
        for store in (self.keys, self.values):
            for layer, array in enumerate(store):
                if array is None or not held:
                    store[layer] = None
                elif array.shape[0] != held or array.shape[2] != self._capacity:
                    store[layer] = _small_copy(array[:held, :, : self._capacity])


def _small_copy(view: Array) -> Array:
    """A copy, so that the memory behind the view is freed; the view itself where there is no room for a copy."""
    try:
        copy = mx.contiguous(view)
        mx.async_eval(copy)  # type: ignore[no-untyped-call]
    except (RuntimeError, MemoryError):
        return view
    return copy
