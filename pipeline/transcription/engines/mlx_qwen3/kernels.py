"""The operations whose best form depends on the device, as Protocols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Tokens = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Array = Any
"""`mx.array`; MLX's stubs are not checked against."""


class SlotCache(Protocol):
    """Keys and values of many rows that begin, grow and end independently.

    A slot is a row's place. `batch` says which slots the next step computes, in which order.
    """

    lengths: npt.NDArray[np.int64]
    """Tokens held by each slot, shape (slots,); 0 for a free one."""

    @property
    def batch(self) -> npt.NDArray[np.int64]: ...

    @property
    def nbytes(self) -> int: ...

    def open(self, lengths: Sequence[int]) -> list[int]:
        """Slots for new rows that start with that many tokens each (at least 1)."""
        ...

    def write(self, layer: int, slot: int, start: int, keys: Array, values: Array) -> None:
        """Put (kv_heads, tokens, head_dim) at position `start` of a slot."""
        ...

    def close(self, slot: int) -> None: ...

    def begin_step(self) -> None:
        """Make room for one more token in every slot of the batch."""
        ...

    def attend(self, layer: int, q: Array, k: Array, v: Array, scale: float) -> Array:
        """Append one token per row and attend: q (rows, heads, 1, dim), k and v (rows, kv_heads, 1, dim)
        -> (rows, heads * dim). Rows are those of `batch`."""
        ...

    def end_step(self) -> None:
        """Count the token appended."""
        ...


class Kernels(Protocol):
    """What the forward passes call instead of MLX where a device has something better."""

    name: str

    def gelu(self, x: Array) -> Array:
        """Exact GELU; may overwrite its argument."""
        ...

    def swiglu(self, gate: Array, up: Array) -> Array:
        """gate sigmoid(gate) up; may overwrite its arguments."""
        ...

    def attend(self, q: Array, k: Array, v: Array, scale: float, *, causal: bool) -> Array:
        """q (rows, heads, queries, dim), k and v (rows, kv_heads, keys, dim) -> (rows, queries, heads * dim).

        No padding: every key counts. If causal, the last query sees every key.
        """
        ...

    def pick(self, logits: Array) -> tuple[Tokens, Floats]:
        """Greedy token of each row of (rows, vocabulary) and its natural log-probability."""
        ...

    def new_cache(self, layers: int, kv_heads: int, head_dim: int) -> SlotCache: ...
