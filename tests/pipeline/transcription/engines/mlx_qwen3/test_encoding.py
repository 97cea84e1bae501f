"""Segments encoded together: each as alone, whatever lies before it."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest

from pipeline.transcription.engines.mlx_qwen3.encoding import BatchEncoder, mel_features
from pipeline.transcription.engines.mlx_qwen3.kernels.plain import MlxKernels
from tests.pipeline.transcription.engines.mlx_qwen3.harness import Batch
from tests.pipeline.transcription.engines.mlx_qwen3.tiny import speech_like


@pytest.mark.parametrize("order", list(permutations((0.3, 1.0, 2.3))))
def test_short_and_long_segments_in_any_order_are_encoded_as_alone(checkpoint: Path, order: tuple[float, ...]) -> None:
    """One shorter than a convolution chunk of 1 s is convolved at its own width."""
    encoder = BatchEncoder(Batch(checkpoint).loaded.model.audio_tower, MlxKernels(mx.float32))
    features = mel_features([speech_like(round(10 * seconds), seconds) for seconds in order], mx.float32)
    together = encoder(features)
    assert len(together) == len(features)
    for found, mel in zip(together, features, strict=True):
        (alone,) = encoder([mel])
        np.testing.assert_allclose(np.array(found), np.array(alone), atol=1e-4)
