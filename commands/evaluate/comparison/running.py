"""Runs one system over the calls whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from commands.evaluate.comparison.kept import Effort
from pipeline.judging.matching import name_in
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
    """By name of the call: that of its truth."""
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
    known: Collection[str]
    """Names of the calls with truth."""
    _names: dict[str, str] = field(default_factory=dict)
    """By address: of what was discovered."""

    def discover(self) -> Iterator[FoundCall]:
        for found in self.source.discover():
            if isinstance(found, FoundCall) and (name := _name_of(found, self.known)) is not None:
                self._names[found.source_uri] = name
                yield found

    def name_of(self, call: FoundCall | SkippedFile) -> str:
        """Of a recording that was discovered, as its truth calls it."""
        return self._names[call.source_uri]

    def fetch(self, call: FoundCall, spool: Path) -> AbstractContextManager[Path]:
        return self.source.fetch(call, spool)


def _name_of(call: FoundCall, known: Collection[str]) -> str | None:
    key = call.metadata.extra.get("call_key") if call.sides else None
    return name_in(known, (file.file_name for file in call.files), key)
