"""Engines and audio the tests of this folder share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.errors import ModelUnavailable
from pipeline.records import SAMPLE_RATE_HZ
from pipeline.transcription.engine import EngineDescription, Samples, SegmentRequest, SegmentResult


def babble(seconds: float, seed: int = 0, level: float = 0.1) -> Samples:
    """Loud and soft by turns at a syllable's pace, over a faint floor: speech to an energy measure."""
    random = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    envelope = np.clip(np.sin(2 * np.pi * 3.0 * time_s), 0.0, 1.0)
    return (envelope * random.normal(0, level, time_s.size) + random.normal(0, 1e-3, time_s.size)).astype(np.float32)


def hiss(seconds: float, level: float = 0.05) -> Samples:
    """Steady white noise."""
    return np.random.default_rng(0).normal(0, level, round(seconds * SAMPLE_RATE_HZ)).astype(np.float32)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), dtype=np.float32)


def request(samples: Samples, key: str = "k", language: str | None = "en", context: str = "") -> SegmentRequest:
    return SegmentRequest(key=key, samples=samples, language=language, context=context)


def description(engine: str = "fake", takes_context: bool = True, demonstration: bool = False) -> EngineDescription:
    return EngineDescription(
        engine=engine,
        model="m",
        revision="r",
        demonstration=demonstration,
        max_segment_s=30.0,
        takes_context=takes_context,
        languages=None,
    )


@dataclass
class FakeTranscriber:
    """Answers by a function; takes `batch` requests before it answers any; keeps what it saw."""

    answer: Callable[[SegmentRequest], SegmentResult] = field(
        default=lambda request: SegmentResult(key=request.key, text="so it is", language=request.language)
    )
    batch: int = 1
    unavailable: str = ""
    engine: str = "fake"
    seen: list[SegmentRequest] = field(default_factory=list)
    closed: bool = False
    demonstration: bool = False
    takes_context: bool = True
    languages: frozenset[str] | None = None

    def load(self) -> EngineDescription:
        if self.unavailable:
            raise ModelUnavailable(self.unavailable)
        return replace(description(self.engine, self.takes_context, self.demonstration), languages=self.languages)

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]:
        waiting: list[SegmentRequest] = []
        for one in requests:
            self.seen.append(one)
            waiting.append(one)
            if len(waiting) == self.batch:
                yield from map(self.answer, waiting)
                waiting.clear()
        yield from map(self.answer, waiting)

    def close(self) -> None:
        self.closed = True
