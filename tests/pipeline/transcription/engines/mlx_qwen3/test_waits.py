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


def test_a_prefill_waits_as_often_for_many_rows_as_for_one_and_a_step_once(
    checkpoint: Path, counted: tuple[Counted, Counted]
) -> None:
    waiting, going_on = counted
    machine = Batch(checkpoint).machine
    decoder = machine.decoder
    decoder.release(prefilled(decoder, machine.width, 1))  # from here on the prefix is shared
    of_prefill: dict[int, int] = {}
    for rows in (1, 3, 16):
        waiting.times = going_on.times = 0
        slots = prefilled(decoder, machine.width, rows)
        of_prefill[rows] = waiting.times
        for steps in (1, 2, 3):
            decoder.finish(decoder.begin(np.zeros(len(decoder.cache.batch), np.int64)))
            assert (waiting.times, going_on.times) == (of_prefill[rows] + steps, steps)
        decoder.release(slots)
    assert of_prefill[1] == of_prefill[3] == of_prefill[16], "the cache is made a layer at a time, not a row at a time"
