"""Many replies written at once, within a time: which prompts are begun, and when replies are brought to their end."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from analysis.llm.local.batch import FedModel, mask_with, sampler
from analysis.llm.local.grammar import Constraint
from analysis.llm.local.pace import Pace, fitting
from analysis.llm.provider import LLMRequest
from pipeline.config.areas.llm import MlxLmSettings

Tokens = list[int]


@dataclass(slots=True)
class Writing:
    """One request while it is decoded."""

    request: LLMRequest
    prompt: Tokens
    """With the tokens that every reply begins with."""
    forced: int
    """How many those are."""
    shared: int
    """How many of the prompt's tokens the kept prefix covers."""
    read: list[Any] | None
    """The cache of these tokens. Held here too, because a batch may have more different beginnings than are kept."""
    constraint: Constraint
    begun: bool = False
    """Whether there was time to read the prompt."""

    @property
    def unread(self) -> int:
        """Tokens that no kept prefix covers."""
        return len(self.prompt) - self.shared


class BatchDecoder:
    """Decodes with one loaded model. Not thread-safe."""

    def __init__(
        self,
        model: Any,
        settings: MlxLmSettings,
        step_tokens: int,
        ends: Sequence[int],
        timing: tuple[Pace, Callable[[], float]],
    ) -> None:
        """
        Args:
            step_tokens: of a prompt, read in one step.
            ends: tokens that end a reply.
            timing: the pace, which is measured here, and a clock whose seconds never run backwards.
        """
        self._model, self._settings = model, settings
        self._step_tokens, self._ends = step_tokens, ends
        self._pace, self._clock = timing

    def decode(self, sequences: Sequence[Writing], deadline: float) -> None:
        """All together; a finished one makes room for the next.

        Prompts are handed over in the order given, as many as there is time for until `deadline` (of the clock).
        """
        if not sequences:
            return
        from mlx_lm.generate import BatchGenerator

        settings = self._settings
        model = FedModel(self._model)
        generator: Any = BatchGenerator(
            model,
            stop_tokens=[[token] for token in self._ends],
            completion_batch_size=settings.batch_size,
            prefill_batch_size=self._read_at_once,
            prefill_step_size=self._step_tokens,
        )
        batch = _Batch(list(sequences), deadline)
        self._pace.begin()
        now_s = self._clock()
        try:
            while self._begin(generator, model, batch):
                read, written = generator.next()
                before_s, now_s = now_s, self._clock()
                self._pace.passed(now_s - before_s, batch.tokens_read(read), bool(written))
                batch.note(written)
                self._land(generator, batch)
        finally:
            generator.close()

    @property
    def _read_at_once(self) -> int:
        return min(self._settings.prefill_batch_size, self._settings.batch_size)

    def _begin(self, generator: Any, model: FedModel, batch: _Batch) -> bool:
        """Hand over the next prompts, where none is being read; returns whether any reply is under way."""
        if batch.waiting and not batch.reading:
            begun = self._taken(batch)
            if begun:
                ids = self._insert(generator, model, begun)
                batch.reading = set(ids)
                batch.under_way.update(zip(ids, begun, strict=True))
        return bool(batch.under_way)

    def _taken(self, batch: _Batch) -> list[Writing]:
        """Those that are begun now: what the time allows; the very first in any case."""
        busy = batch.under_way.values()
        candidates = batch.waiting[: min(self._read_at_once, self._settings.batch_size - len(busy))]
        fit = len(candidates)
        if batch.deadline < math.inf:
            fit = self._fit(candidates, busy, batch.deadline)
        begun = candidates[: max(fit, int(batch.untouched))]
        del batch.waiting[: len(begun)]
        batch.untouched = False
        for sequence in begun:
            sequence.begun = True
        return begun

    def _fit(self, candidates: Sequence[Writing], busy: Collection[Writing], deadline: float) -> int:
        if busy and not self._pace.known:
            return 0
        lengths = (
            self._pace.usual_length(writing.request.purpose, writing.constraint.max_tokens)
            for writing in (*candidates, *busy)
        )
        writing_s = self._pace.writing_s(max(lengths, default=0.0))
        return fitting(self._pace, [writing.unread for writing in candidates], writing_s, deadline - self._clock())

    def _insert(self, generator: Any, model: FedModel, sequences: Sequence[Writing]) -> list[int]:
        """Returns the numbers that the generator gives them."""
        from mlx_lm.models.cache import make_prompt_cache

        # A kept cache is merged into the batch by copy, so that many sequences may start from the same one.
        return list(
            generator.insert(
                [sequence.prompt[sequence.shared :] for sequence in sequences],
                max_tokens=[sequence.constraint.max_tokens + 1 for sequence in sequences],
                caches=[
                    make_prompt_cache(self._model) if sequence.read is None else sequence.read for sequence in sequences
                ],
                all_tokens=[sequence.prompt[: sequence.shared] for sequence in sequences],
                samplers=[sampler(sequence.request.temperature) for sequence in sequences],
                logits_processors=[[mask_with(sequence.constraint, model)] for sequence in sequences],
            )
        )

    def _land(self, generator: Any, batch: _Batch) -> None:
        """Where the time that is left is what ending takes: stop reading, and end the replies under way."""
        steps = max((sequence.constraint.landing_tokens for sequence in batch.under_way.values()), default=0)
        if batch.deadline - self._clock() > self._pace.writing_s(steps):
            return
        if batch.reading:
            generator.remove(sorted(batch.reading))
            batch.stop_reading()
        for sequence in batch.under_way.values():
            sequence.constraint.hurry()


@dataclass(slots=True)
class _Batch:
    """Where each of the sequences is."""

    waiting: list[Writing]
    deadline: float
    under_way: dict[int, Writing] = field(default_factory=dict)
    """By the generator's number: those that are read or written."""
    reading: set[int] = field(default_factory=set)
    untouched: bool = True
    """Whether none was begun yet."""
    _progress: dict[int, int] = field(default_factory=dict)

    def tokens_read(self, responses: Iterable[Any]) -> int:
        """Of the prompts since the last time."""
        fresh = 0
        for response in responses:
            done = response.progress[0]
            fresh += done - self._progress.get(response.uid, 0)
            self._progress[response.uid] = done
            if response.end_of_prompt:
                self.reading.discard(response.uid)
        return fresh

    def note(self, responses: Iterable[Any]) -> None:
        """Tokens that were written."""
        for response in responses:
            if response.finish_reason is not None:
                del self.under_way[response.uid]

    def stop_reading(self) -> None:
        """What is being read counts as not begun, and nothing else is."""
        for number in self.reading:
            self.under_way.pop(number).begun = False
        self.reading.clear()
        self.waiting.clear()
