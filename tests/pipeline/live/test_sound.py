"""Samples as clients send them."""

from __future__ import annotations

import av
import numpy as np
import pytest

from pipeline.live.sound import Encoding, linear


def test_mulaw_is_what_a_decoder_makes_of_it() -> None:
    every = bytes(range(256))
    decoder = av.CodecContext.create("pcm_mulaw", "r")
    decoder.sample_rate = 8000
    decoder.layout = "mono"
    (frame,) = decoder.decode(av.Packet(every))
    assert linear(every, Encoding.MULAW).tolist() == frame.to_ndarray().reshape(-1).tolist()


@pytest.mark.parametrize("samples", [[], [0], [-32768, 32767, 1, -1]])
def test_linear_samples_are_little_endian(samples: list[int]) -> None:
    content = np.array(samples, dtype="<i2").tobytes()
    assert linear(content, Encoding.PCM_S16LE).tolist() == samples
