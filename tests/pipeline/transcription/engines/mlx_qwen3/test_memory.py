"""What fits: when memory runs out in the middle, no slot stays taken."""

from __future__ import annotations

import bisect
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlx.core as mx
import pytest

from pipeline.transcription.engines.mlx_qwen3.kernels.plain import MlxKernels
from pipeline.transcription.engines.mlx_qwen3.memory import GIB, MemoryBudget, ModelShape, shape_of
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


def most_audio_s(budget: MemoryBudget, rows: int, longest_s: float) -> int:
    """How much audio a group of so many rows may hold, in whole seconds up to 10,000."""
    return bisect.bisect_left(range(10_000), True, key=lambda audio_s: not budget.fits_group(audio_s, rows, longest_s))


@pytest.mark.parametrize(
    ("limit_gib", "others", "expected"),
    [
        (1.8, {}, (22, 2, 149, 54, 4, 71)),
        (2, {}, (28, 3, 226, 106, 4, 89)),
        (4, {}, (105, 12, 323, 274, 8, 147)),
        (4, {"group_s": 30.0}, (111, 13, 153, 110, 8, 108)),
        (4, {"most_conv_chunks": 32}, (88, 10, 425, 382, 16, 243)),
        (4, {"convolutions_at_once": 3}, (96, 11, 374, 331, 4, 195)),
        (16, {}, (625, 74, 323, 274, 8, 147)),
    ],
)
def test_what_fits_below_a_limit(limit_gib: float, others: dict[str, Any], expected: tuple[int, ...]) -> None:
    """Rows of 100 and of 900 tokens, audio of groups of 2 rows to 5 s and of 16 to 15 s, convolutions, freed memory."""
    budget = MemoryBudget(int(limit_gib * GIB), SHAPE, longest_tokens=900, longest_s=30.0, **others)
    found = (
        budget.rows(100), budget.rows(900), most_audio_s(budget, 2, 5.0), most_audio_s(budget, 16, 15.0),
        budget.conv_chunks, budget.allocator_cache_bytes // 2**20,
    )  # fmt: skip
    assert found == expected


def test_a_token_costs_its_keys_and_values_in_every_layer() -> None:
    assert SHAPE.cached_token_bytes == 28 * 2 * 8 * 128 * 4


def test_a_shape_is_read_from_the_configuration_of_a_model() -> None:
    text = SimpleNamespace(
        num_hidden_layers=28, num_attention_heads=16, num_key_value_heads=8, head_dim=128, hidden_size=1024,
        intermediate_size=3072, vocab_size=151_936,
    )  # fmt: skip
    audio = SimpleNamespace(
        downsample_hidden_size=480, num_mel_bins=128, n_window=50, d_model=896, encoder_ffn_dim=3584
    )
    shape = shape_of(SimpleNamespace(text_config=text, audio_config=audio), 7, 2)
    assert (shape.weight_bytes, shape.itemsize, shape.layers, shape.heads, shape.kv_heads) == (7, 2, 28, 16, 8)
    assert (shape.head_dim, shape.width, shape.inner_width, shape.vocabulary) == (128, 1024, 3072, 151_936)
    first, second = 480 * 64 * 50, 480 * 32 * 25
    assert shape.conv_chunk_bytes == (3 * first + 9 * second) * 2
    assert shape.encoder_token_bytes == (8 * 896 + 3 * 3584) * 2
