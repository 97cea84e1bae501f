"""What live calls need from outside, as Protocols; `commands` wires the real ones in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pipeline.live.events import Analysis, Turn, TurnMood
from pipeline.live.sound import Encoding
from pipeline.records import CallForAnalysis, CallMetadata, Role, TranscriptChunk


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStart:
    """What a client says of a call before it sends sound."""

    sample_rate_hz: int
    encoding: Encoding
    roles: tuple[Role, ...]
    """Who speaks on each track."""
    metadata: CallMetadata = field(default_factory=CallMetadata)
    owner: str = ""
    """Name of the token that began it: only the same one may take it up again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveHeader:
    """A live call's row."""

    session: str
    started_at: datetime
    """With time zone."""
    start: CallStart
    file_name: str


class LiveStore(Protocol):
    """Where a live call can be read while it is held, and until the ordinary rows are there.

    Every method may wait for a database that went away. Raises DatabaseUnavailable.
    """

    def begin(self, header: LiveHeader) -> None: ...

    def add_turn(self, session: str, turn: Turn) -> None: ...

    def handed_over(self, session: str, source_uri: str | None, job: str | None) -> None:
        """Under which address and job the recording goes on."""
        ...

    def end(self, session: str, reason: str, duration_s: float | None, analysis: Analysis | None) -> None: ...


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A recording that the ordinary pipeline has."""

    job: str
    source_uri: str | None
    """None where it is not known yet."""


HandOver = Callable[[Path, LiveHeader], HandedOver]
"""Gives a finished recording to the ordinary pipeline, which moves or copies it; the file may be removed after.
Safe to repeat for the same session. Raises TerminalError where the recording cannot be used, and other EarshotErrors:
then it is tried again."""


class Moods(Protocol):
    """The mood of a turn by its words."""

    def mood_of(self, chunks: Sequence[TranscriptChunk], metadata: CallMetadata) -> TurnMood:
        """Of the last of these turns; the ones before are what it answers. Never raises."""
        ...


EndAnalysis = Callable[[CallForAnalysis], Analysis]
"""Topic, summary and moods of the whole call by the ordinary steps. Never raises."""

Shown = Callable[[TranscriptChunk], TranscriptChunk]
"""What may be stored and shown of a turn: the same without personal data, where the configuration says so."""
