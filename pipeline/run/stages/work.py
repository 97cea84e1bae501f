"""What the stages share: the items that pass between them, and queues that never outlive a run."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from pipeline.config.areas.run import RunSettings
from pipeline.disk import outlast_full_disk, remove_folder
from pipeline.errors import DiskFull, TransientError, UnforeseenError
from pipeline.records import (
    CallFailure,
    CallForAnalysis,
    ChannelAudio,
    Claim,
    PreparedCall,
    SkippedFile,
    StepResult,
    Transcript,
)
from pipeline.retries import retrying
from pipeline.run.planning.plan import PlannedCall
from pipeline.run.signals import RunSignals

Item = TypeVar("Item")
Value = TypeVar("Value")

_LOOK_S = 0.2


ORDINARY, URGENT = 0, 1
"""Least priority of what is taken: anything, or only what goes before what is in hand."""


class StageQueue(Generic[Item]):
    """A bounded queue whose waits end when the run is abandoned, and whose readers end when its writers have.

    The highest priority comes out first, and what is urgent goes in although the queue is full: of that no more is
    claimed than a desk allows.
    """

    def __init__(self, size: int, signals: RunSignals, writers: int) -> None:
        self._size = size
        self._items: list[tuple[int, int, Item]] = []
        """A heap: the negative priority, the order of arrival."""
        self._ordinary = 0
        self._promised = 0
        self._arrived = 0
        self._signals = signals
        self._writers = writers
        self._changed = threading.Condition()

    def put(self, item: Item, priority: int = ORDINARY) -> bool:
        """False when the run was abandoned meanwhile; the item is then dropped."""
        with self._changed:
            while not self._signals.abandoned.is_set():
                if priority >= URGENT or self._ordinary < self._size:
                    heapq.heappush(self._items, (-priority, self._arrived, item))
                    self._arrived += 1
                    self._ordinary += priority < URGENT
                    self._changed.notify_all()
                    return True
                self._changed.wait(_LOOK_S)
        return False

    def promise(self) -> bool:
        """A place kept for a later `put`, until `withdraw`; False when all are taken or promised."""
        with self._changed:
            if self._ordinary + self._promised >= self._size:
                return False
            self._promised += 1
            return True

    def withdraw(self) -> None:
        """The place that was promised is used, or not needed."""
        with self._changed:
            self._promised -= 1
            self._changed.notify_all()

    @property
    def is_full(self) -> bool:
        """For what is not urgent."""
        with self._changed:
            return self._ordinary >= self._size

    def get(self, timeout_s: float = _LOOK_S, least: int | None = None) -> Item | None:
        """The next item, of at least this priority; None when none came in time: ask `finished` then."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not self._has(least):
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    return None
                self._changed.wait(left_s)
            return self._take()

    def take_waiting(self, most: int, least: int | None = None) -> list[Item]:
        """Up to `most` items that are there already."""
        with self._changed:
            items: list[Item] = []
            while len(items) < most and self._has(least):
                items.append(self._take())
            return items

    def _has(self, least: int | None) -> bool:
        return bool(self._items) and (least is None or -self._items[0][0] >= least)

    def _take(self) -> Item:
        priority, _, item = heapq.heappop(self._items)
        self._ordinary -= -priority < URGENT
        self._changed.notify_all()
        return item

    def writer_done(self) -> None:
        with self._changed:
            self._writers -= 1
            self._changed.notify_all()

    @property
    def finished(self) -> bool:
        """No item is left and none will come, or the run was abandoned."""
        if self._signals.abandoned.is_set():
            return True
        with self._changed:
            return self._writers <= 0 and not self._items

    def __len__(self) -> int:
        return len(self._items)


@dataclass(slots=True, kw_only=True)
class Work:
    """One call on its way through the stages."""

    claim: Claim
    planned: PlannedCall
    spool: Path
    local_paths: tuple[Path, ...] = ()
    """Local copies of a remote recording's files."""
    fetched: AbstractContextManager[tuple[Path, ...]] | None = None
    prepared: PreparedCall | None = None
    call_id: str = ""
    transcript: Transcript | None = None
    steps: tuple[StepResult, ...] = ()
    timings_s: dict[str, float] = field(default_factory=dict)
    unserved: int = 0
    """How often it began again because a transcription service did not serve it."""

    @property
    def priority(self) -> int:
        return self.claim.priority

    @property
    def is_urgent(self) -> bool:
        """Whether it goes before what is in hand."""
        return self.claim.priority >= URGENT

    @property
    def file_name(self) -> str:
        return self.planned.found.file_name

    @property
    def duration_s(self) -> float:
        if self.prepared is not None:
            return self.prepared.duration_s
        return (self.planned.known.duration_s or 0.0) if self.planned.known else 0.0

    def for_analysis(self) -> CallForAnalysis:
        assert self.transcript is not None
        known = self.planned.known
        audio = tuple(
            ChannelAudio(channel=c.channel, role=c.role, samples_path=c.samples_path, samples=c.samples)
            for c in (self.prepared.channels if self.prepared else ())
        )
        sha256 = self.prepared.audio_sha256 if self.prepared else (known.audio_sha256 if known else None)
        return CallForAnalysis(
            call_id=self.call_id,
            audio_sha256=sha256 or "",
            duration_s=self.duration_s,
            metadata=self.planned.found.metadata,
            transcript=self.transcript,
            audio=audio,
            flags=self.prepared.flags if self.prepared else (),
        )

    def drop_fetched(self) -> None:
        """Remove the copy of a remote recording; its decoded samples stay."""
        fetched, self.fetched, self.local_paths = self.fetched, None, ()
        if fetched is not None:
            fetched.__exit__(None, None, None)

    def drop_spool(self) -> None:
        remove_folder(self.spool)


@dataclass(frozen=True, slots=True)
class Kept:
    """A call left as it is: its rows are a better engine's than the one that serves now."""

    work: Work


@dataclass(frozen=True, slots=True)
class Unusable:
    """A recording that is no call, as its content shows."""

    work: Work
    file: SkippedFile


Finished = Work | Kept | Unusable | CallFailure
"""What the last stage writes down."""


def with_retries(
    attempt: Callable[[], Value], settings: RunSettings, signals: RunSignals, notice: Callable[[str], None]
) -> Value:
    """Try again on TransientError, up to `run.attempts` times, waiting twice as long each time, with jitter.

    A full disk is not the call's fault: it is waited for separately, and ends the run if it stays full.
    """
    again = retrying(
        lambda error: isinstance(error, TransientError) and not isinstance(error, DiskFull),
        first_wait_s=settings.backoff_initial_s,
        longest_wait_s=settings.backoff_max_s,
        attempts=settings.attempts,
        given_up=signals.abandoned,
        tell=lambda error, number, wait_s: notice(f"{error}; try {number} of {settings.attempts} in {wait_s:.1f} s"),
    )
    try:
        value: Value = again(outlast_full_disk, attempt, settings.disk_patience_s, notice, signals.abandoned)
        return value
    except DiskFull as error:
        signals.fail(error)  # unless the run was abandoned while it waited
        raise


def failure_of(work: Work, stage: str, error: BaseException) -> CallFailure:
    """The record of a call that could not be finished."""
    return CallFailure(
        found=work.planned.found,
        run_id=work.claim.run_id,
        stage=stage,
        error_type=type(error).__name__ if not isinstance(error, UnforeseenError) else error.message.split(":")[0],
        message=str(error),
        transient=isinstance(error, TransientError | UnforeseenError),
        traceback=error.traceback if isinstance(error, UnforeseenError) else None,
        claim=work.claim,
    )
