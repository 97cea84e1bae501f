"""Tokens of several rows laid end to end, and the same padded to the longest row."""

from __future__ import annotations

from itertools import accumulate

import mlx.core as mx
import numpy as np
import pytest

from pipeline.transcription.engines.mlx_qwen3.decoding import _Class, _Padding


@pytest.mark.parametrize("lengths", [[3], [2, 2], [1, 3, 2], [4, 1], [1, 1, 5]])
def test_each_row_is_padded_at_its_end_and_found_again(lengths: list[int]) -> None:
    tokens = np.arange(1, sum(lengths) + 1, dtype=np.float32)[:, None] * np.ones(2, np.float32)
    padding = _Padding.of(_Class(0, [], lengths, range(len(lengths)), None))
    padded = padding.pad(mx.array(tokens))
    assert padded.shape == (len(lengths), max(lengths), 2)
    for row, length, end in zip(np.array(padded), lengths, accumulate(lengths), strict=True):
        np.testing.assert_array_equal(row[:length], tokens[end - length : end])
    np.testing.assert_array_equal(np.array(padding.unpad(padded)), tokens)
