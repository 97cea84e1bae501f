"""Acoustic sentiment: from the samples of a channel to three probabilities per chunk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from analysis.records import Sentiment
from pipeline.config.sentiment import AcousticEngine, SentimentSettings
from pipeline.records import ChannelAudio, Role

Heard = tuple[Sentiment | None, str | None]


class AcousticSentiment(Protocol):
    """Three probabilities for each stretch of one channel."""

    model: str

    def identity(self) -> str:
        """What results depend on: models and options. Cheap: read while planning."""
        ...

    def channel(self, samples: Any, spans: Sequence[tuple[float, float]], role: Role) -> list[Heard]:
        """Sentiment, or None with the reason, for each (start_s, end_s) of a channel.

        Args:
            samples: float32 mono 16 kHz, shape (samples,), a memory map.
            spans: stretches of one speaker of one call; they are normalised against each other.
        """
        ...

    def close(self) -> None: ...


def open_samples(audio: ChannelAudio) -> Any:
    """The channel's spooled samples as a memory map, or the reason (a str) why they cannot be read."""
    import numpy as np

    try:
        size = audio.samples_path.stat().st_size // 4
        if size == 0:
            return np.zeros(0, dtype=np.float32)
        return np.memmap(audio.samples_path, dtype="<f4", mode="r", shape=(min(size, audio.samples),))
    except (OSError, ValueError) as error:
        return f"the decoded audio cannot be read: {error}"


class NoAcoustic:
    """Stands in until a model is there."""

    model = "none"

    def identity(self) -> str:
        return "none"

    def channel(self, samples: Any, spans: Sequence[tuple[float, float]], role: Role) -> list[Heard]:  # noqa: ARG002
        return [(None, "no acoustic model is installed")] * len(spans)

    def close(self) -> None:
        return None


def build_acoustic(settings: SentimentSettings) -> AcousticSentiment | None:
    """None when acoustic sentiment is off."""
    if settings.acoustic.engine is AcousticEngine.OFF:
        return None
    return NoAcoustic()
