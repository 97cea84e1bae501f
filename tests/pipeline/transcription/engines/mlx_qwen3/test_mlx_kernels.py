"""Slots when memory runs out while they grow: what they hold stays, and a smaller batch goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mlx.core as mx
import numpy as np
import pytest

from pipeline.transcription.engines.mlx_qwen3.kernels.operations import SlotCache
from pipeline.transcription.engines.mlx_qwen3.kernels.plain import MlxKernels, MlxSlotCache

LAYERS, KV_HEADS, DIM = 2, 1, 64
LENGTHS = [3, 5]


class Allocator:
    """MLX's zeros, refused after `left` more arrays."""

    def __init__(self) -> None:
        self.left = 1 << 30

    def __call__(self, shape: tuple[int, ...], dtype: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("[malloc] Unable to allocate 12345 bytes.")
        return mx.zeros(shape, dtype)


def filled(cache: SlotCache, lengths: list[int]) -> SlotCache:
    random = np.random.default_rng(0)
    for slot, length in zip(cache.open(lengths), lengths, strict=True):
        for layer in range(LAYERS):
            keys, values = (
                mx.array(random.standard_normal((KV_HEADS, length, DIM), np.float32)) for _ in ("keys", "values")
            )
            cache.fill(layer, [slot], keys[None], values[None])
    return cache


def attended(cache: SlotCache) -> list[Any]:
    """What each layer makes of the same token for every row, one step on; shape (rows, width)."""
    reach = cache.begin_step()
    rows = len(cache.batch)
    q, k, v = (
        mx.array(np.random.default_rng(seed).standard_normal((rows, KV_HEADS, 1, DIM), np.float32)) for seed in range(3)
    )
    kernels, lengths = MlxKernels(mx.float32), mx.array(cache.lengths)
    found = []
    for layer in range(LAYERS):
        at = mx.broadcast_to(lengths[:, None, None, None], k.shape)
        cache.keys[layer] = mx.put_along_axis(cache.keys[layer], at, k, axis=2)
        cache.values[layer] = mx.put_along_axis(cache.values[layer], at, v, axis=2)
        mask = kernels.slot_mask(lengths, reach)
        out = kernels.attend_slots(q, cache.keys[layer], cache.values[layer], DIM**-0.5, mask=mask, reach=reach)
        found.append(np.array(out))
    cache.end_step()
    return found


def more_slots(cache: SlotCache) -> None:
    cache.open([2, 2, 2])


def more_tokens(cache: SlotCache) -> None:
    cache.begin_step()


@pytest.mark.parametrize("granted", range(2 * LAYERS))
@pytest.mark.parametrize(("lengths", "grow"), [(LENGTHS, more_slots), ([3, 64], more_slots), ([3, 63], more_tokens)])
def test_layers_enlarged_before_memory_ran_out_are_cut_back(
    granted: int, lengths: list[int], grow: Callable[[SlotCache], None]
) -> None:
    """They disagreed in shape, and the next step ended the run instead of starting a smaller batch."""
    allocator = Allocator()
    cache = filled(MlxSlotCache(LAYERS, KV_HEADS, DIM, mx.float32, allocator), lengths)
    if grow is more_tokens:
        attended(cache)  # up to the last token there is room for
    nbytes = cache.nbytes
    allocator.left = granted
    with pytest.raises(RuntimeError, match="Unable to allocate"):
        grow(cache)
    assert (cache.nbytes, len(cache.lengths)) == (nbytes, len(lengths))
    allocator.left = 1 << 30
    never_failed = filled(MlxSlotCache(LAYERS, KV_HEADS, DIM, mx.float32), lengths)
    if grow is more_tokens:
        attended(never_failed)
    for _ in range(3):
        np.testing.assert_array_equal(attended(cache), attended(never_failed))


@pytest.mark.parametrize("granted", range(2 * LAYERS))
def test_a_cache_that_could_not_even_begin_begins_later(granted: int) -> None:
    allocator = Allocator()
    cache = MlxSlotCache(LAYERS, KV_HEADS, DIM, mx.float32, allocator)
    allocator.left = granted
    with pytest.raises(RuntimeError, match="Unable to allocate"):
        cache.open([500, 500])
    assert cache.nbytes == 0
    allocator.left = 1 << 30
    never_failed = filled(MlxSlotCache(LAYERS, KV_HEADS, DIM, mx.float32), LENGTHS)
    np.testing.assert_array_equal(attended(filled(cache, LENGTHS)), attended(never_failed))
