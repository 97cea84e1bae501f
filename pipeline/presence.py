"""What a worker tells of itself with each sign of life: seen by whoever watches the queue. A leaf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ProviderUse:
    """How a language model served one worker."""

    asked: int
    """Analysis steps of calls for which it was asked."""
    answered: int
    silent: bool
    """It answered none of those it was last asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReport:
    """Everything counts from the worker's start. Nothing in it is about a single call."""

    engine: str | None = None
    """The recogniser that serves; None before the first call needs one."""
    model: str | None = None
    demonstration: bool = False
    passed_over: int = 0
    """Recognisers listed before it that could not serve."""
    providers: Mapping[str, ProviderUse] = field(default_factory=dict)
    """Language models, by name."""
    trouble: str | None = None
    """Kind of the error that ends it."""
    totals: Mapping[str, float] = field(default_factory=dict)
    """What it has done, as in `COUNTED`; a language model's as `llm_asked:NAME`, `llm_answered:NAME`,
    `llm_cost_usd:NAME`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenWorker:
    """A worker that gave a sign of life lately."""

    host: str
    started_at: datetime
    silent_s: float
    """Since its last sign of life."""
    engine: str | None
    model: str | None
    demonstration: bool
    passed_over: int
    providers: Mapping[str, ProviderUse]
    trouble: str | None = None
    """Kind of the error that ended it: then it is gone, and perhaps started again. None for one that works."""


COUNTED = ("calls_done", "calls_failed", "calls_skipped", "audio_s", "speech_s")
