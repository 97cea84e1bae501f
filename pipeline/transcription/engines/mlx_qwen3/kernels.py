"""The operations whose best form depends on the device, behind one Protocol, and the plain MLX form of them."""

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


def choose_kernels(dtype: Any) -> Kernels:
    """Numba's for float32 on a CPU where Numba is installed, else MLX's own."""
    import mlx.core as mx

    if mx.default_device() == mx.Device(mx.cpu) and dtype == mx.float32:
        try:
            from pipeline.transcription.engines.mlx_qwen3.kernels_cpu import CpuKernels
        except ImportError:
            return MlxKernels(dtype)
        return CpuKernels()
    return MlxKernels(dtype)


def _activation(name: str) -> Any:
    from mlx.nn.layers import activations

    return getattr(activations, name)  # made by a decorator, which hides them from type checkers


class MlxKernels:
    """MLX's fused operations: the right choice on Metal and CUDA."""

    name = "mlx"

    def __init__(self, dtype: Any) -> None:
        self._dtype = dtype

    def gelu(self, x: Array) -> Array:
        return _activation("gelu")(x)

    def swiglu(self, gate: Array, up: Array) -> Array:
        return _activation("silu")(gate) * up

    def attend(self, q: Array, k: Array, v: Array, scale: float, *, causal: bool) -> Array:
        import mlx.core as mx

        out = mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask="causal" if causal else None)
        rows, heads, queries, dim = out.shape
        return out.transpose(0, 2, 1, 3).reshape(rows, queries, heads * dim)

    def pick(self, logits: Array) -> tuple[Tokens, Floats]:
        import mlx.core as mx

        wide = logits.astype(mx.float32)
        best = mx.argmax(wide, axis=-1)
        probability = mx.max(wide, axis=-1) - mx.logsumexp(wide, axis=-1)
        mx.eval(best, probability)
        return np.array(best, dtype=np.int64), np.array(probability, dtype=np.float32)

    def new_cache(self, layers: int, kv_heads: int, head_dim: int) -> SlotCache:
        from pipeline.transcription.engines.mlx_qwen3.slot_cache import MlxSlotCache

        return MlxSlotCache(layers, kv_heads, head_dim, self._dtype)
