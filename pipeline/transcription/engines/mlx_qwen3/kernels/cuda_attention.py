"""Attention of one decoding step on CUDA: each slot's query over as many keys as the slot holds.

MLX's fused kernels for a single query take no mask, so slots of unequal lengths cost it five launches a layer. This is
one: a block per slot and key-value head, eight warps that take turns at the keys, and the softmax over their parts at
the end (Milakov and Gimelshein, Online normalizer calculation for softmax, 2018).
"""

from __future__ import annotations

from typing import Any

import mlx.core as mx

from pipeline.transcription.engines.mlx_qwen3.kernels.operations import Array

_WARPS = 8
_SOURCE = """
constexpr int PART = DIM / 32;
const int slot = blockIdx.x;
const int kv_head = blockIdx.y;
const int lane = threadIdx.x % 32;
const int warp = threadIdx.x / 32;
const int held = lengths[slot] + 1;
const size_t plane = (size_t(slot) * keys_shape[1] + kv_head) * keys_shape[2] * DIM;
const T* key = keys + plane + lane * PART;
const T* value = values + plane + lane * PART;
const T* query = q + size_t(slot) * q_strides[0] + size_t(kv_head) * GROUP * q_strides[1] + lane * PART;

float wanted[GROUP][PART], found[GROUP][PART], highest[GROUP], total[GROUP];
for (int g = 0; g < GROUP; g++) {
  highest[g] = -INFINITY;
  total[g] = 0;
  for (int i = 0; i < PART; i++) {
    wanted[g][i] = float(query[g * q_strides[1] + i]) * scale[0];
    found[g][i] = 0;
  }
}
for (int position = warp; position < held; position += WARPS) {
  float k[PART], v[PART];
  for (int i = 0; i < PART; i++) {
    k[i] = float(key[size_t(position) * DIM + i]);
    v[i] = float(value[size_t(position) * DIM + i]);
  }
  for (int g = 0; g < GROUP; g++) {
    float score = 0;
    for (int i = 0; i < PART; i++) score += wanted[g][i] * k[i];
    for (int far = 16; far; far /= 2) score += __shfl_xor_sync(0xffffffff, score, far);
    const float top = fmaxf(highest[g], score);
    const float old = expf(highest[g] - top), now = expf(score - top);
    highest[g] = top;
    total[g] = total[g] * old + now;
    for (int i = 0; i < PART; i++) found[g][i] = found[g][i] * old + now * v[i];
  }
}
__shared__ float tops[GROUP][WARPS], totals[GROUP][WARPS], parts[GROUP][WARPS][DIM];
for (int g = 0; g < GROUP; g++) {
  if (lane == 0) {
    tops[g][warp] = highest[g];
    totals[g][warp] = total[g];
  }
  for (int i = 0; i < PART; i++) parts[g][warp][lane * PART + i] = found[g][i];
}
__syncthreads();
for (int at = threadIdx.x; at < GROUP * DIM; at += 32 * WARPS) {
  const int g = at / DIM, d = at % DIM;
  float top = -INFINITY, weight = 0, sum = 0;
  for (int w = 0; w < WARPS; w++) top = fmaxf(top, tops[g][w]);
  for (int w = 0; w < WARPS; w++) {
    const float share = expf(tops[g][w] - top);
    weight += share * totals[g][w];
    sum += share * parts[g][w][d];
  }
  out[(size_t(slot) * keys_shape[1] + kv_head) * GROUP * DIM + at] = T(sum / weight);
}
"""


class SlotAttention:
    """The kernel for one type of keys and values, compiled at its first use. CUDA only; head sizes of n × 32."""

    def __init__(self, dtype: Any) -> None:
        self._dtype = dtype
        self._kernel: Any = mx.fast.cuda_kernel(
            name="earshot_slot_attention",
            input_names=["q", "keys", "values", "lengths", "scale"],
            output_names=["out"],
            source=_SOURCE,
            ensure_row_contiguous=False,
        )

    def __call__(self, q: Array, keys: Array, values: Array, scale: float, lengths: Array) -> Array:
        """q (slots, heads, 1, dim) whose last axis is dense, keys and values (slots, kv_heads, capacity, dim) dense,
        lengths (slots,) int32, the token being decoded not counted -> (slots, heads * dim)."""
        slots, heads, _, dim = q.shape
        kv_heads = keys.shape[1]
        (out,) = self._kernel(
            inputs=[q, keys, values, lengths, mx.array([scale], mx.float32)],
            template=[("T", self._dtype), ("DIM", dim), ("GROUP", heads // kv_heads), ("WARPS", _WARPS)],
            grid=(slots * 32 * _WARPS, kv_heads, 1),
            threadgroup=(32 * _WARPS, 1, 1),
            output_shapes=[(slots, heads * dim)],
            output_dtypes=[self._dtype],
        )
        return out
