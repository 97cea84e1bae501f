"""Any rate to 16 kHz, block by block (soxr, the SoX resampler library)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.records import SAMPLE_RATE_HZ

Block = npt.NDArray[np.float32]
"""Shape (samples, channels)."""


class Resampler:
    """All channels of a call at once; the result does not depend on the size of the blocks."""

    def __init__(self, source_rate_hz: int, channels: int, quality: str) -> None:
        self.source_rate_hz = source_rate_hz
        self._empty = np.zeros((0, channels), dtype=np.float32)
        self._stream: Any = None
        if source_rate_hz != SAMPLE_RATE_HZ:
            import soxr

            self._stream = soxr.ResampleStream(
                source_rate_hz, SAMPLE_RATE_HZ, channels, dtype="float32", quality=quality
            )

    def push(self, block: Block) -> Block:
        """The output that `block` (samples at the source's rate) completes."""
        if self._stream is None:
            return block
        return self._shaped(self._stream.resample_chunk(np.ascontiguousarray(block)))

    def finish(self) -> Block:
        """The rest of the output, still in the filter."""
        if self._stream is None:
            return self._empty
        return self._shaped(self._stream.resample_chunk(self._empty, last=True))

    def _shaped(self, block: Block) -> Block:
        return block.reshape(-1, self._empty.shape[1])
