"""How often a step and a prefill wait for the device: it was once a layer and row, which left a GPU idle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest

from pipeline.transcription.engines.mlx_qwen3.decoding import BatchDecoder, NewRow
from pipeline.transcription.engines.mlx_qwen3.prompts import Prompt
from tests.pipeline.transcription.engines.mlx_qwen3.harness import Batch


class Counted:
    """Passes on to `mx.eval` or `mx.async_eval`, and counts."""

    def __init__(self, evaluate: Callable[..., Any]) -> None:
        self._evaluate = evaluate
        self.times = 0

    def __call__(self, *arrays: Any) -> None:
        self.times += 1
        self._evaluate(*arrays)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> tuple[Counted, Counted]:
    waiting, going_on = Counted(mx.eval), Counted(mx.async_eval)
    monkeypatch.setattr(mx, "eval", waiting)
    monkeypatch.setattr(mx, "async_eval", going_on)
    return waiting, going_on


def prefilled(decoder: BatchDecoder, width: int, rows: int) -> list[int]:
    row = NewRow(Prompt(tuple(range(20)), (4, 5)), mx.full((3, width), 0.1))
    slots, _, _ = decoder.prefill([row] * rows)
    return slots


def test_a_prefill_and_a_step_wait_once_whether_or_not_the_cache_grows(
    checkpoint: Path, counted: tuple[Counted, Counted]
) -> None:
    waiting, going_on = counted
    machine = Batch(checkpoint).machine
    decoder = machine.decoder
    decoder.release(prefilled(decoder, machine.width, 1))  # from here on the prefix is shared
    for rows in (1, 3, 16):
        waiting.times = 0
        slots = prefilled(decoder, machine.width, rows)
        assert waiting.times == 1, "of a new cache"
        going_on.times = 0
        for steps in (1, 2, 3):
            decoder.finish(decoder.begin(np.zeros(len(decoder.cache.batch), np.int64)))
            assert (waiting.times, going_on.times) == (1 + steps, steps)
        decoder.release(slots[1:])
        waiting.times = 0
        slots = [slots[0], *prefilled(decoder, machine.width, 2 * rows)]
        assert waiting.times == 1, "of one that held a row"
        decoder.release(slots)
