"""The slots of a batch: which are taken, how long each is, and how much memory they hold."""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx
import numpy as np
import pytest

from pipeline.transcription.engines.mlx_qwen3.kernels.plain import MlxSlotCache

GROWTH = 4
LAYERS, KV_HEADS, DIM = 2, 1, 3


def opened(lengths: list[int], slot_count: Callable[[int], int] = int) -> MlxSlotCache:
    cache = MlxSlotCache(LAYERS, KV_HEADS, DIM, mx.float32, slot_count=slot_count, growth=GROWTH)
    assert cache.open(lengths) == list(range(len(lengths)))
    return cache


def held(cache: MlxSlotCache) -> tuple[int, ...]:
    """Slots and tokens of each layer that memory is held for."""
    shapes = {(array.shape[0], array.shape[2]) for array in (*cache.keys, *cache.values) if array is not None}
    assert cache.nbytes == sum(2 * LAYERS * KV_HEADS * DIM * 4 * slots * tokens for slots, tokens in shapes)
    (shape,) = shapes
    return shape


def test_a_step_makes_the_rows_that_are_open_one_longer_and_no_others() -> None:
    cache = opened([2, 3, 1])
    cache.close(0)
    cache.end_step()
    assert cache.lengths.tolist() == [0, 4, 2]
    assert cache.open([7, 8]) == [0, 3], "the free slot, and a new one"
    cache.end_step()
    assert cache.lengths.tolist() == [8, 5, 3, 9]
    assert cache.batch.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("lengths", "closed", "slots"),
    [
        ([1, 1, 1, 1], [3], 4),
        ([1, 1, 1, 1], [3, 2], 2),
        ([1, 1, 1, 1], [0, 1], 4),
        ([1, 1, 1, 1], [0, 3, 2], 2),
        ([1, 1, 1, 1], [3, 2, 1], 1),
        ([1, 1, 1, 1], [0, 1, 2, 3], 4),
    ],
)
def test_free_slots_at_the_end_are_given_up_once_half_are_free(
    lengths: list[int], closed: list[int], slots: int
) -> None:
    cache = opened(lengths)
    for slot in closed:
        cache.close(slot)
    assert held(cache) == (slots, GROWTH)
    assert len(cache.lengths) == slots
    assert (len(cache.batch) == 0) == (len(closed) == len(lengths))


def test_what_is_held_follows_the_number_that_is_asked_for() -> None:
    cache = opened([1, 1, 1], slot_count=lambda needed: 2 * needed)
    assert held(cache) == (6, GROWTH)
    cache.close(2)
    cache.close(1)
    assert held(cache) == (2, GROWTH)


def test_a_batch_after_the_last_row_begins_anew() -> None:
    cache = opened([20, 1])
    assert held(cache) == (2, 24)
    cache.close(0)
    cache.close(1)
    assert cache.open([1]) == [0]
    assert held(cache) == (1, GROWTH)


@pytest.mark.parametrize(
    ("length", "reach"), [(1, GROWTH), (3, GROWTH), (4, 2 * GROWTH), (7, 2 * GROWTH), (8, 3 * GROWTH)]
)
def test_a_step_has_room_for_one_token_more(length: int, reach: int) -> None:
    cache = opened([length, 1])
    assert cache.begin_step() == reach
    assert held(cache) == (2, reach)


def test_a_short_row_after_a_long_one_reaches_no_further_than_it_must() -> None:
    cache = opened([1, 9])
    cache.close(1)
    assert (cache.begin_step(), held(cache)) == (GROWTH, (1, 3 * GROWTH))


@pytest.mark.parametrize("slots", [[0, 1], [1, 2], [0, 2], [2, 0]])
def test_each_row_is_filled_where_its_slot_is(slots: list[int]) -> None:
    cache = opened([2, 2, 2])
    keys = mx.array(np.arange(12, dtype=np.float32).reshape(2, KV_HEADS, 2, DIM))
    cache.fill(1, slots, keys, -keys)
    for row, slot in enumerate(slots):
        assert np.array(cache.keys[1][slot, :, :2]).tolist() == np.array(keys[row]).tolist()
        assert np.array(cache.values[1][slot, :, :2]).tolist() == (-np.array(keys[row])).tolist()
    (other,) = {0, 1, 2} - set(slots)
    assert not np.array(cache.keys[1][other]).any()
    assert not np.array(cache.keys[0]).any()
