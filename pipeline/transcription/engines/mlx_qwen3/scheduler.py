"""Continuous batching: segments in, finished rows out, slots refilled as they become free."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import numpy as np

from pipeline.transcription.engine import OUT_OF_MEMORY, SegmentRequest, SegmentResult
from pipeline.transcription.engines.mlx_qwen3.kernels.operations import Floats, SlotCache, Tokens
from pipeline.transcription.engines.mlx_qwen3.prompts import Prompter
from pipeline.transcription.engines.mlx_qwen3.rows import (
    Row,
    failed,
    finished,
    not_understood,
    refusal,
    unknown_language,
)


@dataclass(slots=True)
class StageSeconds:
    """Wall seconds by stage, and what was done in them."""

    features: float = 0.0
    encoder: float = 0.0
    prefill: float = 0.0
    decode: float = 0.0
    host: float = 0.0
    """Everything else: sorting, prompts, parsing, waiting for segments."""
    steps: int = 0
    tokens: int = 0
    rows: int = 0
    peak_rows: int = 0

    @property
    def staged(self) -> float:
        """All stages but `host`."""
        return self.features + self.encoder + self.prefill + self.decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How the batch is bounded."""

    rows: int
    look_ahead: int
    group_s: float
    """Audio encoded and prefilled together, seconds."""
    segment_s: float
    segment_time_s: float
    groups: int = 4
    """Into how many groups, at least, the rows of a whole batch are divided that are encoded and prefilled together."""
    ahead: int = 0
    """Steps begun before the last one's tokens are read. A row that ends is then computed that often for nothing."""


OWN_LAST = -1
"""In place of a token: the slot's own last one, which the machine has and nobody has read yet."""


class Machine(Protocol):
    """The model's part: it computes what the scheduler decides. Raises OutOfMemory."""

    cache: SlotCache

    def encode(self, rows: Sequence[Row], seconds: StageSeconds) -> list[Any]:
        """Audio embeddings of each row."""
        ...

    def prefill(self, rows: Sequence[Row], audio: list[Any]) -> tuple[list[int], Tokens, Floats]:
        """Slots, first tokens, log-probabilities."""
        ...

    def begin(self, tokens: Tokens) -> Any:
        """Start a step after `tokens` of each slot of `cache.batch` (or OWN_LAST); returns what `finish` takes."""
        ...

    def finish(self, begun: Any) -> tuple[Tokens, Floats]:
        """Wait for a step: each slot's next token, its log-probability."""
        ...

    def release(self, slots: Sequence[int]) -> None: ...

    def fits_rows(self, longest_row_tokens: int) -> int:
        """Rows that fit in memory together."""
        ...

    def fits_group(self, audio_s: float, rows: int, longest_s: float) -> bool: ...

    def token_limit(self, audio_s: float) -> int: ...


@dataclass(frozen=True, slots=True)
class _Begun:
    """A step under way."""

    slots: list[Row | None]
    """The row of each slot that the step computes."""
    rows: frozenset[Row]
    step: Any
    """What the machine calls it."""


class OutOfMemory(Exception):
    """The device did not have the memory for this; a smaller group may fit."""


class Scheduler:
    """Runs one stream of requests through a Machine."""

    def __init__(
        self,
        machine: Machine,
        prompter: Prompter,
        limits: Limits,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._machine = machine
        self._prompter = prompter
        self._limits = limits
        self._clock = clock
        self._rows_allowed = limits.rows
        self._active: dict[int, Row] = {}
        self._waiting: list[Row] = []
        self._begun: deque[_Begun] = deque()
        """Steps under way, oldest first."""
        self.seconds = StageSeconds()

    def run(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]:
        """Results as rows finish, in any order. `requests` is asked again while rows are under way, also after its end:
        segments that arrive meanwhile fill the rows that became free."""
        source = iter(requests)
        began, staged = self._clock(), self.seconds.staged
        try:
            while True:
                if not self._waiting:
                    yield from self._take_in(source)
                yield from self._admit()
                yield from self._retire()
                if self._active:
                    yield from self._step()
                    yield from self._retire()
                elif not self._waiting:
                    break
        finally:
            self._begun.clear()
            self._machine.release(list(self._active))
            self._active.clear()
            self._waiting.clear()
            self.seconds.host += max(0.0, self._clock() - began - (self.seconds.staged - staged))

    def _take_in(self, source: Iterator[SegmentRequest]) -> Iterator[SegmentResult]:
        """The next window of segments, longest first: rows of similar length end together and waste no room."""
        for request in islice(source, self._limits.look_ahead):
            why = refusal(request, self._limits.segment_s)
            if why is not None:
                yield failed(request, why)
            elif unknown_language(request):
                yield not_understood(request)
            else:
                prompt = self._prompter.prompt(request.context, request.language)
                limit = self._machine.token_limit(len(request.samples) / 16_000)
                self._waiting.append(Row(request=request, prompt=prompt, token_limit=limit))
        self._waiting.sort(key=lambda row: -len(row.request.samples))

    def _admit(self) -> Iterator[SegmentResult]:
        """Fill free slots once a quarter of the batch is free, so that prefill is not done row by row."""
        while self._waiting:
            longest = max(row.most_tokens for row in (*self._active.values(), self._waiting[0]))
            room = min(self._rows_allowed, self._machine.fits_rows(longest))
            free = room - len(self._active)
            if free <= 0 or free < min(len(self._waiting), max(1, room // 4)):
                return
            group = self._next_group(min(free, max(1, room // self._limits.groups)))
            try:
                self._start(group)
            except OutOfMemory as error:
                yield from self._retreat(group, error)

    def _next_group(self, most: int) -> list[Row]:
        group: list[Row] = []
        audio_s = 0.0
        while self._waiting and len(group) < most:
            audio_s += self._waiting[0].audio_s
            longest_s = max(row.audio_s for row in (*group[:1], self._waiting[0]))
            if group and (
                audio_s > self._limits.group_s or not self._machine.fits_group(audio_s, len(group) + 1, longest_s)
            ):
                break
            group.append(self._waiting.pop(0))
        return group

    def _start(self, group: list[Row]) -> None:
        now = self._clock()
        for row in group:
            row.started_s = now
        audio = self._machine.encode(group, self.seconds)
        with self._timed("prefill"):
            slots, tokens, probabilities = self._machine.prefill(group, audio)
        for row, slot, token, probability in zip(group, slots, tokens, probabilities, strict=True):
            row.slot = slot
            row.take(int(token), float(probability))
            self._active[slot] = row
        self.seconds.rows += len(group)
        self.seconds.peak_rows = max(self.seconds.peak_rows, len(self._active))

    def _step(self) -> Iterator[SegmentResult]:
        """One more token for every row; the step after may be under way when this returns."""
        try:
            while len(self._begun) <= self._limits.ahead and self._more_to_begin():
                with self._timed("decode"):
                    self._begin()
        except OutOfMemory as error:
            while self._begun:
                self._finish()
            yield from self._shrink(error)
            return
        self._finish()

    def _more_to_begin(self) -> bool:
        """Whether a row may want a token beyond those under way."""
        return any(
            len(row.tokens) + sum(row in begun.rows for begun in self._begun) < row.token_limit
            for row in self._active.values()
            if row.ended_by is None
        )

    def _begin(self) -> None:
        slots = [self._active.get(int(slot)) for slot in self._machine.cache.batch]
        before = self._begun[-1].rows if self._begun else frozenset()
        tokens = [0 if row is None else OWN_LAST if row in before else row.tokens[-1] for row in slots]
        step = self._machine.begin(np.array(tokens, np.int64))
        self._begun.append(_Begun(slots, frozenset(row for row in slots if row is not None), step))

    def _finish(self) -> None:
        begun = self._begun.popleft()
        with self._timed("decode"):
            tokens, probabilities = self._machine.finish(begun.step)
        now = self._clock()
        self.seconds.steps += 1
        for row, token, probability in zip(begun.slots, tokens, probabilities, strict=True):
            if row is None or self._active.get(row.slot) is not row or row.ended_by is not None:
                continue
            self.seconds.tokens += 1
            row.take(int(token), float(probability))
            if row.ended_by is None and now - row.started_s > self._limits.segment_time_s:
                row.ended_by = "time"

    def _retire(self) -> Iterator[SegmentResult]:
        ended = [slot for slot, row in self._active.items() if row.ended_by]
        rows = [self._active.pop(slot) for slot in ended]
        self._machine.release(ended)
        for row in rows:
            yield finished(row, self._prompter, self._limits.segment_time_s)

    def _retreat(self, group: list[Row], error: OutOfMemory) -> Iterator[SegmentResult]:
        """A group did not fit: fewer rows from now on; a row that does not fit alone is given up."""
        if len(group) == 1 and not self._active:
            yield failed(group[0].request, _alone(error), OUT_OF_MEMORY)
            return
        self._rows_allowed = max(1, (len(self._active) + len(group)) // 2)
        self._waiting[:0] = group

    def _shrink(self, error: OutOfMemory) -> Iterator[SegmentResult]:
        """A step did not fit: the younger half starts again later; a row that does not fit alone is given up."""
        rows = sorted(self._active.values(), key=lambda row: -len(row.tokens))
        keep = len(rows) // 2
        self._rows_allowed = max(1, keep)
        for row in rows[keep:]:
            del self._active[row.slot]
        self._machine.release([row.slot for row in rows[keep:]])
        if keep == 0:
            yield failed(rows[0].request, _alone(error), OUT_OF_MEMORY)
            return
        for row in rows[keep:]:
            row.restart()
        self._waiting[:0] = rows[keep:]

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        before = self._clock()
        try:
            yield
        finally:
            setattr(self.seconds, stage, getattr(self.seconds, stage) + self._clock() - before)


def _alone(error: OutOfMemory) -> str:
    return f"out of memory with this segment alone ({error}): free memory, take a smaller model, or quantise it"
