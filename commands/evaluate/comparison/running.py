"""Runs one system over the calls whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from commands.evaluate.comparison.kept import Effort
from pipeline.judging.scores import HeardCall
from pipeline.records import CallStatus, FoundCall, SkippedFile
from pipeline.sources.source import CallSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcribed:
    heard: HeardCall
    effort: Effort | None
    """None where a stored transcript was used whose making was not measured."""
    reused: bool


@dataclass(slots=True, kw_only=True)
class SystemResult:
    """What one system made of all calls."""

    calls: dict[str, Transcribed] = field(default_factory=dict)
    """By stem of the recording's file name."""
    failures: dict[str, str] = field(default_factory=dict)
    """Why a call has no transcript."""
    notices: list[str] = field(default_factory=list)


Told = Callable[[FoundCall, CallStatus, str], None]
"""Told of each call that is finished: what became of it, and why it failed."""


def unwatched(found: FoundCall, status: CallStatus, detail: str) -> None:
    """Nobody is told."""


@dataclass(frozen=True, slots=True)
class CallsWithTruth:
    """A source's recordings whose truth is known. Files of one stem in two folders cannot be told apart."""

    source: CallSource
    names: Collection[str]

    def discover(self) -> Iterator[FoundCall | SkippedFile]:
        for found in self.source.discover():
            if isinstance(found, FoundCall) and Path(found.file_name).stem in self.names:
                yield found

    def fetch(self, call: FoundCall, spool: Path) -> AbstractContextManager[Path]:
        return self.source.fetch(call, spool)
