"""Batched greedy tokens equal those of the package's Session, one by one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.transcription.engine import SegmentRequest
from tests.pipeline.transcription.engines.mlx_qwen3.harness import Batch, one_by_one, request
from tests.pipeline.transcription.engines.mlx_qwen3.tiny import speech_like

SEGMENTS = int(os.environ.get("EARSHOT_SAME_TOKENS_SEGMENTS", "20"))
"""Raise to measure the share on more of them: 1000 take about ten minutes."""
pytestmark = pytest.mark.timeout(300 + 5 * SEGMENTS)
EDGES_S = (0.3, 0.995, 1.0, 1.01, 7.99, 8.0, 8.02, 29.99)
"""Around one convolution chunk (1 s), one attention window (8 s), and the longest segment."""


@pytest.fixture(scope="module")
def requests() -> list[SegmentRequest]:
    rng = np.random.default_rng(5)
    more = SEGMENTS - len(EDGES_S)
    lengths = [*EDGES_S, *rng.uniform(0.3, 4, more - more // 5), *rng.uniform(4, 30, more // 5)]
    return [
        request(
            str(index),
            speech_like(index, float(seconds)),
            language="en" if index % 2 else None,
            context="" if index % 3 else "alpha beta gamma",
        )
        for index, seconds in enumerate(lengths)
    ]


@pytest.fixture(scope="module")
def expected(checkpoint: Path, requests: list[SegmentRequest]) -> dict[str, tuple[int, ...]]:
    return one_by_one(checkpoint, requests)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [3, 32])
def test_every_segment_decodes_as_alone(
    checkpoint: Path,
    requests: list[SegmentRequest],
    expected: dict[str, tuple[int, ...]],
    rows: int,
) -> None:
    found = Batch(checkpoint).tokens(requests, rows)
    different = [item.key for item in requests if found[item.key] != expected[item.key]]
    assert len(different) <= 0.001 * len(requests)


@pytest.mark.slow
def test_the_check_means_something(requests: list[SegmentRequest], expected: dict[str, tuple[int, ...]]) -> None:
    """Sequences differ from segment to segment, and end at different lengths below their limits."""
    assert len(set(expected.values())) >= 0.9 * len(requests)
    ended = [len(tokens) for tokens in expected.values() if 0 < len(tokens) < 128]
    assert len(ended) >= 0.7 * len(requests)
    assert len(set(ended)) >= 10


def test_exchanged_audio_exchanges_tokens(checkpoint: Path) -> None:
    batch = Batch(checkpoint)
    one, other = speech_like(100, 2.0), speech_like(101, 3.1)
    straight = batch.tokens([request("a", one), request("b", other)])
    crossed = batch.tokens([request("a", other), request("b", one)])
    assert straight["a"] != straight["b"]
    assert (straight["a"], straight["b"]) == (crossed["b"], crossed["a"])


def test_result_does_not_depend_on_company(checkpoint: Path) -> None:
    """Slots are reused: a segment after others gives what it gives in a fresh cache."""
    batch = Batch(checkpoint)
    last = request("last", speech_like(200, 1.7))
    alone = Batch(checkpoint).tokens([last])["last"]
    many = [request(str(i), speech_like(300 + i, 0.5 + i / 3)) for i in range(7)]
    assert batch.tokens([*many, last], rows=2)["last"] == alone


@pytest.mark.parametrize("settings", [{"quantize_bits": 8}, {"quantize_bits": 4, "quantize_encoder_bits": 16}])
def test_quantised_weights(checkpoint: Path, settings: dict[str, Any]) -> None:
    """Quantised while loading: alone and in company a segment gives the same tokens, other ones than in float32."""
    batch = Batch(checkpoint, quantize_group_size=32, **settings)
    assert batch.loaded.bits == settings["quantize_bits"]
    requests = [request(str(i), speech_like(i, 1.0 + i)) for i in range(4)]
    together = batch.tokens(requests, rows=4)
    assert together == {item.key: batch.tokens([item])[item.key] for item in requests}
    assert together != Batch(checkpoint).tokens(requests)
