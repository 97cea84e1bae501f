"""What a live call tells: numbered events, kept so that a client that lost its connection gets them again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Literal

from pipeline.records import Role

Listener = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """The turn under way, as far as it is heard. Its final turn, or the next of these, takes its place."""

    track: int
    ordinal: int
    """Number of the turn in its track, from 0."""
    role: Role
    start_s: float
    end_s: float
    text: str
    type: Literal["partial"] = "partial"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnMood:
    """How a turn sounds by its words."""

    label: str | None
    """`negative`, `neutral` or `positive`; None where there is none."""
    probabilities: Mapping[str, float] | None = None
    """By label; they sum to 1."""
    reason: str | None = None
    """Why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A turn that has ended."""

    track: int
    ordinal: int
    role: Role
    start_s: float
    end_s: float
    text: str
    """Empty where nothing was recognised: `flags` says why."""
    language: str | None = None
    confidence: float | None = None
    flags: tuple[str, ...] = ()
    mood: TurnMood = TurnMood(label=None)
    type: Literal["turn"] = "turn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something the listener should know: the recogniser was restarted, say."""

    text: str
    type: Literal["notice"] = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """No further sound is taken; the last turns and the analysis follow."""

    reason: str
    """See `EndReason`."""
    type: Literal["ending"] = "ending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What the call was about, by the ordinary analysis steps over the live turns."""

    topic: str | None = None
    subtopic: str | None = None
    summary: str | None = None
    moods: Mapping[str, str] = field(default_factory=dict)
    """By role, over the whole call."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """By name of the step, why it has no value."""
    type: Literal["analysis"] = "analysis"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The last event."""

    reason: str
    """See `EndReason`."""
    duration_s: float
    """Of the recording."""
    job: str | None
    """Under which the recording is processed; None where it could not be handed over now and is kept for later."""
    type: Literal["ended"] = "ended"


Event = Partial | Turn | Notice | Ending | Analysis | Ended


class EventLog:
    """The events of one call, numbered from 1. Safe from several threads.

    Of the partial turns only the latest of each track is kept, until its final turn: numbers may be missing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lasting: list[tuple[int, Event]] = []
        self._partial: dict[int, tuple[int, Partial]] = {}
        self._last = 0
        self._listeners: list[Listener] = []

    @property
    def last(self) -> int:
        """Number of the latest event; 0 before the first."""
        return self._last

    def add(self, event: Event) -> int:
        with self._lock:
            self._last += 1
            if isinstance(event, Partial):
                self._partial[event.track] = (self._last, event)
            else:
                if isinstance(event, Turn):
                    self._drop_partial(event)
                self._lasting.append((self._last, event))
            number, listeners = self._last, list(self._listeners)
        for tell in listeners:
            tell()
        return number

    def _drop_partial(self, turn: Turn) -> None:
        told = self._partial.get(turn.track)
        if told is not None and told[1].ordinal <= turn.ordinal:
            del self._partial[turn.track]

    def after(self, number: int) -> list[tuple[int, Event]]:
        """The events with a greater number, in order."""
        with self._lock:
            found = list(takewhile(lambda item: item[0] > number, reversed(self._lasting)))
            found += [item for item in self._partial.values() if item[0] > number]
        return sorted(found, key=lambda item: item[0])

    def listen(self, tell: Listener) -> None:
        """Call `tell` after each event, from whichever thread adds it."""
        with self._lock:
            self._listeners.append(tell)

    def leave(self, tell: Listener) -> None:
        with self._lock:
            self._listeners = [other for other in self._listeners if other is not tell]
