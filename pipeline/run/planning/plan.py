"""What a run has to do: every recording found, compared with what the database knows of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.records import (
    FoundCall,
    KnownCall,
    SkippedFile,
)
from pipeline.sources.pairs import PAIR_MARK


class Action(StrEnum):
    """What to do with a recording."""

    NEW = "new"
    CHANGED = "changed"
    RETRY = "retry"
    TRANSCRIBE = "transcribe"
    """Known and unchanged, but today's recogniser would do it another way, or all must be done again."""
    ANALYSE = "analyse"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    QUARANTINED = "quarantined"
    UNDECIDED = "undecided"
    """Depends on which engine serves today: decided once the recogniser is loaded."""


TO_DO = frozenset({Action.NEW, Action.CHANGED, Action.RETRY, Action.TRANSCRIBE, Action.ANALYSE})


def is_pair(known: KnownCall | None) -> bool:
    """Whether a stored call came from two files."""
    return known is not None and (known.etag or "").startswith(PAIR_MARK)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCall:
    """One recording and what becomes of it."""

    found: FoundCall
    action: Action
    known: KnownCall | None = None
    steps: frozenset[str] | None = None
    """Analysis steps to run; None for all."""
    forced: bool = False
    """Recognise again even where the same transcript is stored."""
    other_sides: tuple[KnownCall, ...] = ()
    """Calls of their own at the other addresses of this one's files, from before the files were joined."""

    @property
    def replaces_single_files(self) -> bool:
        """Whether its files, or one of them, were calls of their own before."""
        if not self.found.sides or self.action not in TO_DO:
            return False
        alone = (*self.other_sides, *(() if is_pair(self.known) else (self.known,)))
        return any(known is not None and known.transcript_fingerprint is not None for known in alone)

    @property
    def lost_a_side(self) -> bool:
        """Whether the stored call has both sides, and the file of one is no longer offered."""
        return self.found.lone_side is not None and is_pair(self.known)


@dataclass(slots=True, kw_only=True)
class Plan:
    """All recordings of a run by action."""

    to_do: list[PlannedCall] = field(default_factory=list)
    undecided: list[PlannedCall] = field(default_factory=list)
    unchanged: int = 0
    quarantined: list[PlannedCall] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    skipped_before: list[PlannedCall] = field(default_factory=list)
    waiting: list[SkippedFile] = field(default_factory=list)
    beyond_limit: list[PlannedCall] = field(default_factory=list)
    """For a later run, by `run.limit`; or in the hands of another run now."""
    uris: set[str] = field(default_factory=set)
    second_files: set[str] = field(default_factory=set)
    """Addresses of the second files of calls that have two."""
    erased: int = 0
    """Recordings left out because they were erased (`db purge`): not counted as found."""
    replacing: list[PlannedCall] = field(default_factory=list)
    """Calls to do whose files were calls of their own before."""

    @property
    def left(self) -> int:
        return len(self.beyond_limit)

    @property
    def found(self) -> int:
        return (
            len(self.to_do)
            + len(self.undecided)
            + self.unchanged
            + len(self.quarantined)
            + len(self.skipped)
            + len(self.skipped_before)
            + len(self.waiting)
            + self.left
        )

    def add(self, planned: PlannedCall) -> None:
        if planned.replaces_single_files:
            self.replacing.append(planned)
        if planned.action in TO_DO:
            self.to_do.append(planned)
        elif planned.action is Action.UNDECIDED:
            self.undecided.append(planned)
        elif planned.action is Action.QUARANTINED:
            self.quarantined.append(planned)
        elif planned.action is Action.SKIPPED:
            self.skipped_before.append(planned)
        else:
            self.unchanged += 1
