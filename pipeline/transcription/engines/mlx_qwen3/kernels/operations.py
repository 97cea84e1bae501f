"""The operations whose best form depends on the device, as Protocols."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pipeline.transcription.engines.mlx_qwen3.layers import DecoderLayer

Tokens = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Array = Any
"""`mx.array`; MLX's stubs are not checked against."""


class SlotCache(Protocol):
    """Keys and values of many rows that begin, grow and end independently.

    A slot is a row's place. Every step computes all slots, in order.
    """

    lengths: npt.NDArray[np.int64]
    """Tokens held by each slot, shape (slots,); 0 for a free one."""
    keys: list[Array]
    values: list[Array]
    """Per layer (slots, kv_heads, capacity, head_dim)."""

    @property
    def batch(self) -> npt.NDArray[np.int64]:
        """The slots that a step computes; none when all are free."""
        ...

    @property
    def nbytes(self) -> int: ...

    def open(self, lengths: Sequence[int]) -> list[int]:
        """Slots for new rows that start with that many tokens each (at least 1)."""
        ...

    def fill(self, layer: int, slots: Sequence[int], keys: Array, values: Array) -> None:
        """Put (rows, kv_heads, tokens, head_dim) at the beginning of those slots."""
        ...

    def close(self, slot: int) -> None: ...

    def begin_step(self) -> int:
        """Make room for one more token in every slot; returns how many positions the step has to read."""
        ...

    def end_step(self) -> None:
        """Count the token appended."""
        ...


class Kernels(Protocol):
    """What the forward passes call instead of MLX where a device has something better."""

    name: str
    rows: int
    """Segments worth decoding together, memory permitting."""
    ahead: int
    """Steps begun before the result of the last is read: 1 where the device computes beside this thread."""
    conv_chunks: int
    """1 s chunks the encoder's convolutions take at once, memory permitting."""
    chunk_multiple: int
    """Their number is padded to a multiple of this, where every further shape costs something."""
    groups: int
    """Into how many groups the rows of a batch are divided: attention pads those of a group to the longest."""
    group_s: float
    """Audio worth encoding and prefilling together, seconds."""

    def gelu(self, x: Array) -> Array:
        """Exact GELU."""
        ...

    def swiglu(self, gate_up: Array) -> Array:
        """gate sigmoid(gate) up, from (…, 2 width) with gate before up."""
        ...

    def rotation(self, rotary: Any, starts: Array, tokens: int, dtype: Any) -> Any:
        """What `heads` needs to rotate `tokens` consecutive positions of each row from `starts` (rows,)."""
        ...

    def heads(self, layer: DecoderLayer, projected: Array, rotation: Any) -> tuple[Array, Array, Array]:
        """(rows, tokens, heads + 2 kv_heads, dim) -> normalised and rotated q, k, and v: (rows, heads, tokens, dim)."""
        ...

    def attend(self, q: Array, k: Array, v: Array, scale: float, mask: Array | str | None) -> Array:
        """q (rows, heads, queries, dim), k and v (rows, kv_heads, keys, dim) -> (rows, queries, heads * dim).

        `mask` is "causal" (the last query sees every key), or added to the scores.
        """
        ...

    def slot_mask(self, lengths: Array, reach: int) -> Array:
        """What `attend_slots` needs to know which of `reach` positions each slot has filled: 0 … lengths."""
        ...

    def attend_slots(self, q: Array, keys: Array, values: Array, scale: float, *, mask: Array, reach: int) -> Array:
        """One query per slot, (slots, heads, 1, dim), over a layer of the cache -> (slots, heads * dim)."""
        ...

    def pick(self, logits: Array) -> tuple[Array, Array]:
        """Greedy token of each row of (rows, vocabulary) and its natural log-probability."""
        ...

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function as one the device is told once, where that pays."""
        ...

    def new_cache(self, layers: int, kv_heads: int, head_dim: int) -> SlotCache: ...
