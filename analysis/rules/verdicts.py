"""What comes of asking whether a condition holds: it does, it does not, or nobody can tell."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.records import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """It does, and this shows it."""

    reason: str
    quote: str | None = None
    role: Role | None = None
    start_s: float | None = None
    end_s: float | None = None
    occurrences: int = 1
    of_absence: bool = False
    """What shows it is that something is not there."""


@dataclass(frozen=True, slots=True)
class Fails:
    """It does not."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The call does not tell."""

    reason: str
    of_language: bool = False
    """Because of the language it is in."""


Verdict = Holds | Fails | Unknown
