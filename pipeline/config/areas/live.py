"""Calls heard while they are held: config.yaml's `live`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.config.base import Area


class LiveSettings(Area):
    """Calls heard while they are held (`/v1/live`)."""

    enabled: bool = True
    """Whether `serve` takes live calls."""
    preload: bool = False
    """Load recogniser and moods when the server starts; otherwise with the first call, whose first turns come late and
    without a mood."""
    directory: Path = Path("data/live")
    """Folder of recordings and decoded audio of calls under way, up to 270 MB per hour and track. A recording leaves it
    for the service's own folder when the call has ended."""
    max_calls: Annotated[int, Field(ge=1, le=1000)] = 16
    """Calls at once; a further one is refused (close code 1013)."""
    max_backlog_s: Annotated[float, Field(gt=0)] = 60.0
    """No further call is taken while so much speech, in seconds, waits for the recogniser (close code 1013)."""
    max_call_s: Annotated[float, Field(ge=1)] = 14_400.0
    """Longest call, in seconds; it then ends (close code 4413) and its recording is kept."""
    max_gap_s: Annotated[float, Field(ge=0)] = 60.0
    """Longest stretch that a client may leave out of a track, in seconds; it becomes silence."""
    idle_s: Annotated[float, Field(gt=0)] = 30.0
    """A call whose client sends nothing for so long ends (close code 4408)."""
    silence_s: Annotated[float, Field(gt=0)] = 900.0
    """A call in which nobody speaks for so long ends (close code 4410)."""
    resume_s: Annotated[float, Field(ge=0)] = 60.0
    """How long a call whose connection broke is kept open for its client."""
    end_silence_ms: Annotated[float, Field(ge=100, le=5000)] = 500.0
    """Silence that ends a turn, in milliseconds. Shorter: turns come sooner, and are cut more often."""
    partial_every_s: Annotated[float, Field(ge=0.2)] | None = 1.0
    """How much more must be said before the turn under way is told again; null for final turns alone. Where the engine
    sends audio to a service, there are final turns alone."""
    turns_at_once: Annotated[int, Field(ge=1, le=256)] = 8
    """Turns of all calls handed to the recogniser ahead of their results; one that batches decodes them together."""
    partials_at_once: Annotated[int, Field(ge=0, le=256)] = 1
    """Of these, at most so many of turns under way."""
    max_message_bytes: Annotated[int, Field(ge=1024, le=1 << 20)] = 65_536
    """Longest message of a client; a longer one ends the connection (close code 1009)."""
    buffer_bytes: Annotated[int, Field(ge=4096)] = 262_144
    """Sound of a call that may wait to be worked on; then nothing more is read from its client."""
    analysis: bool = True
    """Topic and summary at the end of a call, from its live turns. The recording's own follow with its ordinary rows:
    where a language model is paid for, it is asked twice."""
    priority: Annotated[int, Field(ge=-9, le=9)] = 5
    """Of an ended call's recording among the calls that wait to be processed; greater comes first."""
