"""Samples as a client sends them: 16-bit linear or µ-law (ITU-T G.711), one track at a time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

Linear = npt.NDArray[np.int16]
"""One track, shape (samples,), full scale 32768."""


class Encoding(StrEnum):
    """How a track's samples are written."""

    PCM_S16LE = "pcm_s16le"
    MULAW = "mulaw"

    @property
    def sample_bytes(self) -> int:
        return 2 if self is Encoding.PCM_S16LE else 1


@dataclass(frozen=True, slots=True)
class TrackSound:
    """A stretch of one track, as it came."""

    track: int
    """Index from 0."""
    first: int
    """Number of its first sample in the track, from 0, at the client's rate."""
    content: bytes
    """Whole samples."""


def _mulaw_table() -> Linear:
    """G.711: sign, three bits of segment, four of step, all inverted; a bias of 132 in 16-bit units."""
    code = ~np.arange(256, dtype=np.uint8)
    step, segment = (code & 0x0F).astype(np.int32), ((code >> 4) & 0x07).astype(np.int32)
    magnitude = (((step << 3) + 132) << segment) - 132
    table: Linear = np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)
    return table


_MULAW = _mulaw_table()


def linear(content: bytes, encoding: Encoding) -> Linear:
    """The samples of whole frames."""
    if encoding is Encoding.MULAW:
        return _MULAW[np.frombuffer(content, dtype=np.uint8)]
    return np.frombuffer(content, dtype="<i2").astype(np.int16, copy=False)
