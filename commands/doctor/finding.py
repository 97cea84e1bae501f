"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Not in use, or not set up: nothing to fix."""
    WARNING = "warning"
    """A run starts, but worse than it could be."""
    BROKEN = "broken"
    """A run cannot start because of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the doctor's answer."""

    area: str
    """`installed`, `engine`, `weights`, `diarisation`, `provider`, `database`, `input`, `output`, `disk`, `memory`,
    `time zone`, `test call`."""
    name: str
    state: State
    detail: str
    """What was found, and what to do if there is a problem."""
    figures: dict[str, Any] | None = None
    """For machines; None where the detail says it all."""
