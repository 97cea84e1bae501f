"""The operations in the form a GPU is quick at: few launches, few shapes, nothing waited for.

A launch costs the host 5 to 12 µs, more than most of the decoder's operations take on the device. So a step is one
compiled function, q and k are normalised and rotated together, and on CUDA one kernel of ours reads each slot's keys
up to its own length.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import mlx.core as mx

from pipeline.transcription.engines.mlx_qwen3.kernels.cuda_attention import SlotAttention
from pipeline.transcription.engines.mlx_qwen3.kernels.operations import Array, SlotCache
from pipeline.transcription.engines.mlx_qwen3.kernels.plain import MlxKernels, MlxSlotCache
from pipeline.transcription.engines.mlx_qwen3.layers import DecoderLayer

_GROWTH = 128
_LEAST_SLOTS = 8

# cuDNN plans attention anew for each shape, 40 ms each; segments hardly ever share one. MLX's own takes no longer.
os.environ.setdefault("MLX_CUDA_USE_CUDNN_SDPA", "0")


def slot_count(needed: int) -> int:
    """The next power of two: every number of slots is a function of its own to compile."""
    return max(_LEAST_SLOTS, 1 << (needed - 1).bit_length())


class GpuKernels(MlxKernels):
    """MLX on Metal or CUDA. `compile_steps` is off in tests on a CPU, whose compiler is slow."""

    name = "gpu"
    # By reasoning, and tried on one H200; `python -m bench.recogniser_gpu` sets other chunks and groups beside them.
    rows = 64
    ahead = 1
    conv_chunks = 64
    chunk_multiple = 16
    groups = 1
    group_s = 600.0

    def __init__(self, dtype: Any, *, compile_steps: bool = True) -> None:
        super().__init__(dtype)
        self._compile = compile_steps
        self._slot_attention = SlotAttention(dtype) if mx.cuda.is_available() else None
        self._gated = self.compiled(_swiglu, shapeless=True)

    def swiglu(self, gate_up: Array) -> Array:
        width = gate_up.shape[-1] // 2
        return self._gated(gate_up[..., :width], gate_up[..., width:])

    def rotation(self, rotary: Any, starts: Array, tokens: int, dtype: Any) -> Any:
        del tokens, dtype  # MLX's rotation finds the angles itself
        return rotary.base, starts

    def heads(self, layer: DecoderLayer, projected: Array, rotation: Any) -> tuple[Array, Array, Array]:
        base, starts = rotation
        rows, tokens, _, dim = projected.shape
        rotated = layer.heads + layer.kv_heads
        x = mx.fast.rms_norm(projected, None, layer.norm_eps)[:, :, :rotated] * layer.head_scales
        x = x.reshape(rows, rotated, 1, dim) if tokens == 1 else x.transpose(0, 2, 1, 3)
        x = mx.fast.rope(x, dim, traditional=False, base=base, scale=1.0, offset=starts)
        v = projected[:, :, rotated:]
        v = v.reshape(rows, layer.kv_heads, 1, dim) if tokens == 1 else v.transpose(0, 2, 1, 3)
        return x[:, : layer.heads], x[:, layer.heads :], v

    def slot_mask(self, lengths: Array, reach: int) -> Array:
        return lengths if self._slot_attention is not None else super().slot_mask(lengths, reach)

    def attend_slots(self, q: Array, keys: Array, values: Array, scale: float, *, mask: Array, reach: int) -> Array:
        if self._slot_attention is not None:
            return self._slot_attention(q, keys, values, scale, mask)
        return super().attend_slots(q, keys, values, scale, mask=mask, reach=reach)

    def compiled(self, function: Callable[..., Any], *, shapeless: bool = False) -> Callable[..., Any]:
        return mx.compile(function, shapeless=shapeless) if self._compile else function

    def new_cache(self, layers: int, kv_heads: int, head_dim: int) -> SlotCache:
        return MlxSlotCache(layers, kv_heads, head_dim, self._dtype, slot_count=slot_count, growth=_GROWTH)


def _swiglu(gate: Array, up: Array) -> Array:
    return gate * mx.sigmoid(gate) * up
