"""What fits: when memory runs out in the middle, no slot stays taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest

from pipeline.transcription.engines.mlx_qwen3.kernels.plain import MlxKernels
from pipeline.transcription.engines.mlx_qwen3.memory import GIB, MemoryBudget, ModelShape
from tests.pipeline.transcription.engines.mlx_qwen3.harness import Batch, request
from tests.pipeline.transcription.engines.mlx_qwen3.tiny import speech_like

SHAPE = ModelShape(
    weight_bytes=GIB, itemsize=4, layers=28, heads=16, kv_heads=8, head_dim=128, width=1024, inner_width=3072,
    vocabulary=151_936, conv_chunk_bytes=40_000_000, encoder_token_bytes=80_000,
)  # fmt: skip


class Refusing(MlxKernels):
    """Has no memory when the next token is to be picked, as long as `refusals` are left."""

    refusals = 0

    def pick(self, logits: Any) -> tuple[Any, Any]:
        if self.refusals:
            self.refusals -= 1
            raise RuntimeError("[malloc] Unable to allocate 12345 bytes.")
        return super().pick(logits)


def test_a_prefill_that_breaks_off_frees_its_slots(checkpoint: Path) -> None:
    kernels = Refusing(mx.float32)
    batch = Batch(checkpoint, kernels)
    requests = [request(str(i), speech_like(i, 1.0)) for i in range(4)]
    kernels.refusals = 1
    found = batch.tokens(requests, rows=16)
    assert kernels.refusals == 0
    assert not batch.machine.cache.batch.size
    assert not batch.machine.cache.lengths.any()
    assert found == Batch(checkpoint).tokens(requests, rows=16)


def test_a_group_fits_while_its_activations_do_and_one_row_always_does() -> None:
    budget = MemoryBudget(4 * GIB, SHAPE, longest_tokens=900, longest_s=30.0)
    assert budget.fits_group(1000.0, 1, 1000.0)
    assert budget.fits_group(10.0, 2, 5.0)
    assert not budget.fits_group(1000.0, 30, 30.0)
    tight = MemoryBudget(3 * GIB // 2, SHAPE, longest_tokens=900, longest_s=30.0)
    most_s = max(seconds for seconds in range(10, 2000, 10) if tight.fits_group(float(seconds), 8, seconds / 8))
    assert budget.fits_group(most_s + 10.0, 8, most_s / 8), "more memory, larger groups"


def test_a_long_segment_among_short_ones_makes_the_group_smaller() -> None:
    """Attention pads each row to the longest."""
    budget = MemoryBudget(4 * GIB, SHAPE, longest_tokens=900, longest_s=30.0)
    assert budget.fits_group(60.0, 20, 3.0)
    assert not budget.fits_group(60.0, 20, 30.0)


def test_the_loaded_model_is_asked_for_no_larger_group_than_fits(checkpoint: Path) -> None:
    machine = Batch(checkpoint, max_memory_gb=0.1).machine
    assert machine.fits_group(10.0, 2, 5.0)
    assert not machine.fits_group(1e6, 2, 1e6)


def test_a_limit_below_one_segment_names_what_is_needed() -> None:
    with pytest.raises(ValueError, match=r"need 1\.\d+ GiB, the limit is 1\.00"):
        MemoryBudget(GIB, SHAPE, longest_tokens=900, longest_s=30.0)
