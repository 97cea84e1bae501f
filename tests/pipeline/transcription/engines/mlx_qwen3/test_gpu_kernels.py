"""The form for a GPU, computed on whatever device is here: other operations, other shapes, the same tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest

from pipeline.transcription.engines.mlx_qwen3.kernels.cuda_attention import SlotAttention
from pipeline.transcription.engines.mlx_qwen3.kernels.gpu import GpuKernels, slot_count
from pipeline.transcription.engines.mlx_qwen3.kernels.plain import MlxKernels
from tests.pipeline.transcription.engines.mlx_qwen3.harness import Batch, request
from tests.pipeline.transcription.engines.mlx_qwen3.tiny import speech_like


def test_segments_decode_as_on_a_cpu(checkpoint: Path) -> None:
    """Rows of two contexts refilled while a step is under way."""
    requests = [
        request(str(i), speech_like(i, 0.4 + i * 0.8), context="" if i % 3 else "alpha beta gamma") for i in range(7)
    ]
    batch = Batch(checkpoint, GpuKernels(mx.float32, compile_steps=False))
    assert batch.limits.ahead == 1
    assert batch.tokens(requests, rows=3) == Batch(checkpoint).tokens(requests, rows=3)


@pytest.mark.parametrize(("needed", "held"), [(1, 8), (8, 8), (9, 16), (33, 64), (128, 128)])
def test_numbers_of_slots_are_few(needed: int, held: int) -> None:
    assert slot_count(needed) == held


@pytest.mark.skipif(not mx.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("dtype", [mx.float32, mx.bfloat16])
@pytest.mark.parametrize(("heads", "kv_heads", "dim"), [(16, 8, 128), (4, 2, 64), (7, 1, 32)])
def test_attention_over_slots_of_unequal_lengths(dtype: Any, heads: int, kv_heads: int, dim: int) -> None:
    rng = np.random.default_rng(0)
    slots, capacity = 9, 192
    q, keys, values = (
        mx.array(rng.standard_normal(shape, np.float32)).astype(dtype)
        for shape in ((slots, heads, 1, dim), (slots, kv_heads, capacity, dim), (slots, kv_heads, capacity, dim))
    )
    lengths = mx.array(np.array([0, 1, 5, 8, 9, 100, 150, 190, 191], np.int32))
    plain = MlxKernels(mx.float32)
    wide_q, wide_keys, wide_values = (x.astype(mx.float32) for x in (q, keys, values))
    mask = plain.slot_mask(lengths, capacity)
    expected = np.array(plain.attend_slots(wide_q, wide_keys, wide_values, dim**-0.5, mask=mask, reach=capacity))
    found = np.array(SlotAttention(dtype)(q, keys, values, dim**-0.5, lengths).astype(mx.float32))
    assert np.linalg.norm(found - expected) / np.linalg.norm(expected) < (1e-3 if dtype == mx.float32 else 1e-2)
