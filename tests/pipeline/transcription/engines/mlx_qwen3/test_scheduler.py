"""Refilling, limits, lack of memory, hopeless input: with a machine that computes nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from pipeline.transcription.engine import OUT_OF_MEMORY, SegmentRequest, SegmentResult
from pipeline.transcription.engines.mlx_qwen3.kernels.operations import Floats, Tokens
from pipeline.transcription.engines.mlx_qwen3.prompts import Parsed, Prompt
from pipeline.transcription.engines.mlx_qwen3.rows import Row
from pipeline.transcription.engines.mlx_qwen3.scheduler import OWN_LAST, Limits, OutOfMemory, Scheduler, StageSeconds

END = 151645


class FakePrompter:
    def prompt(self, context: str, language: str | None) -> Prompt:
        return Prompt((1,), (2,))

    def parse(self, tokens: Sequence[int], language: str | None) -> Parsed:
        return Parsed(text=" ".join(map(str, tokens)), language=language, text_tokens=slice(0, None))


class OpenSlots:
    """Lengths of slots, without keys and values."""

    def __init__(self) -> None:
        self.lengths = np.zeros(0, np.int64)

    @property
    def batch(self) -> Tokens:
        return np.flatnonzero(self.lengths)

    def open(self, lengths: Sequence[int]) -> list[int]:
        free = [*np.flatnonzero(self.lengths == 0), *range(len(self.lengths), len(self.lengths) + len(lengths))]
        slots = [int(slot) for slot in free[: len(lengths)]]
        self.lengths = np.pad(self.lengths, (0, max(0, max(slots) + 1 - len(self.lengths))))
        self.lengths[slots] = lengths
        return slots

    def close(self, slot: int) -> None:
        self.lengths[slot] = 0


class FakeMachine:
    """Counts 1, 2, 3 … per row and ends after one token per 100 ms of audio."""

    def __init__(self, fits: int = 1000, probability: float = -0.5) -> None:
        self.cache = OpenSlots()
        self.fits = fits
        self.probability = probability
        self.batches: list[int] = []
        self.groups: list[list[str]] = []
        """Keys of the segments started together, in order."""
        self.group_rows = 1000
        self.group_s = 1e9
        self.step_without_memory: int | None = None
        self.begun = self.most_begun = 0
        """Steps not yet finished."""
        self._left: dict[int, int] = {}
        self._count: dict[int, int] = {}

    def encode(self, rows: Sequence[Row], seconds: StageSeconds) -> list[Any]:
        return [len(row.request.samples) // 1600 for row in rows]

    def prefill(self, rows: Sequence[Row], audio: list[Any]) -> tuple[list[int], Tokens, Floats]:
        if len(rows) + len(self.cache.batch) > self.fits:
            raise OutOfMemory("prefill")
        self.groups.append([row.request.key for row in rows])
        slots = self.cache.open([3] * len(rows))
        for slot, tokens in zip(slots, audio, strict=True):
            self._left[slot], self._count[slot] = tokens, 0
        return slots, *self._next(slots)

    def begin(self, tokens: Tokens) -> tuple[Tokens, Floats]:
        slots = [int(slot) for slot in self.cache.batch]
        if len(slots) > self.fits or len(self.batches) == self.step_without_memory:
            self.step_without_memory = None
            raise OutOfMemory("step")
        fed = [self._count[slot] if token == OWN_LAST else token for slot, token in zip(slots, tokens, strict=True)]
        assert [self._count[slot] for slot in slots] == fed, "each row must be fed its own last token"
        self.begun += 1
        self.most_begun = max(self.most_begun, self.begun)
        self.batches.append(len(slots))
        return self._next(slots)

    def finish(self, begun: tuple[Tokens, Floats]) -> tuple[Tokens, Floats]:
        self.begun -= 1
        return begun

    def _next(self, slots: Sequence[int]) -> tuple[Tokens, Floats]:
        tokens = []
        for slot in slots:
            self._count[slot] += 1
            tokens.append(self._count[slot] if self._count[slot] <= self._left[slot] else END)
        return np.array(tokens, np.int64), np.full(len(slots), self.probability, np.float32)

    def release(self, slots: Sequence[int]) -> None:
        for slot in slots:
            self.cache.close(slot)

    def fits_rows(self, longest_row_tokens: int) -> int:
        return 1000

    def fits_group(self, audio_s: float, rows: int, longest_s: float) -> bool:
        return rows <= self.group_rows and audio_s <= self.group_s

    def token_limit(self, audio_s: float) -> int:
        return 40


def segment(key: str, seconds: float, language: str | None = "en") -> SegmentRequest:
    return SegmentRequest(key=key, samples=np.zeros(round(seconds * 16_000), np.float32), language=language)


def scheduler(
    machine: FakeMachine, rows: int = 4, look_ahead: int = 100, time_s: float = 1e9, ahead: int = 0, **more: Any
) -> Scheduler:
    limits = Limits(
        rows=rows,
        look_ahead=look_ahead,
        group_s=1e9,
        segment_s=30,
        segment_time_s=time_s,
        groups=2,
        ahead=ahead,
    )
    prompter: Any = FakePrompter()
    planted: Any = machine
    return Scheduler(planted, prompter, limits, **more)


def run(machine: FakeMachine, requests: Sequence[SegmentRequest], **more: Any) -> dict[str, SegmentResult]:
    results = list(scheduler(machine, **more).run(requests))
    assert len({result.key for result in results}) == len(results) == len(requests)
    return {result.key: result for result in results}


def counted(seconds: float) -> str:
    return " ".join(str(n) for n in range(1, round(seconds * 16_000) // 1600 + 1))


def test_every_row_gets_its_own_tokens_and_the_batch_stays_full() -> None:
    machine = FakeMachine()
    lengths = {str(i): 0.3 + (i * 7 % 11) / 5 for i in range(40)}
    found = run(machine, [segment(key, seconds) for key, seconds in lengths.items()], rows=4)
    assert {key: result.text for key, result in found.items()} == {k: counted(s) for k, s in lengths.items()}
    steady = machine.batches[: -machine.batches[::-1].index(4) or None]
    assert np.mean(steady) > 3.5
    assert max(machine.batches) == 4
    assert not machine.cache.batch.size, "all slots are free again"


@pytest.mark.parametrize("ahead", [0, 1, 2])
def test_steps_begun_early_change_no_result(ahead: int) -> None:
    """Rows end, are refilled and start again after a lack of memory while a step for their slots is under way."""
    machine = FakeMachine(fits=5)
    machine.step_without_memory = 20
    lengths = {str(i): 0.3 + (i * 7 % 11) / 5 for i in range(40)}
    found = run(machine, [segment(key, seconds) for key, seconds in lengths.items()], rows=6, ahead=ahead)
    assert {key: result.text for key, result in found.items()} == {k: counted(s) for k, s in lengths.items()}
    assert machine.most_begun == 1 + ahead
    assert not machine.cache.batch.size


def test_no_step_is_begun_that_no_row_can_use() -> None:
    """Every row stops at its limit of 40 tokens: the first comes with the prefill, 39 from steps."""
    machine = FakeMachine()
    run(machine, [segment(str(i), 9.0) for i in range(3)], rows=3, ahead=1)
    assert machine.batches == [3] * 39


def test_results_are_handed_on_as_they_finish() -> None:
    machine = FakeMachine()
    results = scheduler(machine, rows=2).run([segment("long", 3.0), segment("short", 0.3)])
    assert next(results).key == "short"
    assert machine.batches == [2] * len(machine.batches)
    assert [result.key for result in results] == ["long"]


def test_requests_are_pulled_no_further_than_the_look_ahead() -> None:
    pulled: list[int] = []

    def source() -> Iterator[SegmentRequest]:
        for index in range(100):
            pulled.append(index)
            yield segment(str(index), 0.5)

    results = scheduler(FakeMachine(), rows=2, look_ahead=8).run(source())
    next(results)
    assert len(pulled) == 8
    results.close()  # type: ignore[attr-defined]


class Trickle:
    """Ends when nothing waits, and may be asked again: one more segment waits at every third asking."""

    def __init__(self, waiting: Sequence[SegmentRequest]) -> None:
        self._waiting = list(waiting)
        self._asked = 0

    def __iter__(self) -> Iterator[SegmentRequest]:
        return self

    def __next__(self) -> SegmentRequest:
        self._asked += 1
        if self._asked % 3 != 1 or not self._waiting:
            raise StopIteration
        return self._waiting.pop(0)


def test_segments_that_come_later_join_the_rows_under_way() -> None:
    machine = FakeMachine()
    requests = [segment(str(i), 3.0) for i in range(12)]
    results = list(scheduler(machine, rows=4).run(Trickle(requests)))
    assert {result.key: result.text for result in results} == {request.key: counted(3.0) for request in requests}
    assert np.mean(machine.batches) > 2.5, "each waited for the ones before it"


def test_confidence_is_the_geometric_mean_probability() -> None:
    found = run(FakeMachine(probability=math.log(0.25)), [segment("a", 1.0)])
    assert found["a"].confidence == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("seconds", "text", "flags"),
    [(3.9, counted(3.9), ()), (9.0, counted(4.0), ("decode_truncated",))],
)
def test_token_limit(seconds: float, text: str, flags: tuple[str, ...]) -> None:
    found = run(FakeMachine(), [segment("a", seconds)])
    assert (found["a"].text, found["a"].flags, found["a"].error) == (text, flags, None)


def test_a_decode_that_never_ends_is_given_up_and_the_others_go_on() -> None:
    ticks = iter(range(10_000))
    found = run(
        FakeMachine(), [segment("slow", 3.9), segment("quick", 0.3)], time_s=30.0, clock=lambda: float(next(ticks))
    )
    assert "limit of 30 s" in (found["slow"].error or "")
    assert found["slow"].text == ""
    assert found["quick"].text == counted(0.3)


def test_out_of_memory_makes_the_batch_smaller() -> None:
    machine = FakeMachine(fits=3)
    found = run(machine, [segment(str(i), 0.5 + i / 10) for i in range(20)], rows=16)
    assert {key: result.text for key, result in found.items()} == {str(i): counted(0.5 + i / 10) for i in range(20)}
    assert max(machine.batches) <= 3


def test_out_of_memory_in_a_step_starts_the_younger_rows_again() -> None:
    machine = FakeMachine(fits=8)
    results = scheduler(machine, rows=8).run([segment(str(i), 2.0 + i / 10) for i in range(8)])
    first = next(results)
    machine.fits = 2
    rest = list(results)
    assert {r.key: r.text for r in (first, *rest)} == {str(i): counted(2.0 + i / 10) for i in range(8)}


def test_the_rows_that_got_furthest_go_on_and_the_younger_start_again() -> None:
    machine = FakeMachine()
    machine.step_without_memory = 8  # when `young` has been at it for four steps
    found = run(machine, [segment("old", 3.9), segment("short", 0.3), segment("young", 2.0)], rows=2, look_ahead=2)
    assert {key: result.text for key, result in found.items()} == {
        "old": counted(3.9), "short": counted(0.3), "young": counted(2.0),
    }  # fmt: skip
    assert [key for group in machine.groups for key in group] == ["old", "short", "young", "young"]


@pytest.mark.parametrize(("rows", "audio_s", "largest"), [(1000, 1e9, 8), (2, 1e9, 2), (1000, 3.5, 3), (0, 0.0, 1)])
def test_no_more_is_started_together_than_fits_in_memory(rows: int, audio_s: float, largest: int) -> None:
    machine = FakeMachine()
    machine.group_rows, machine.group_s = rows, audio_s
    found = run(machine, [segment(str(i), 1.0) for i in range(20)], rows=16)
    assert all(result.text == counted(1.0) for result in found.values())
    assert max(len(group) for group in machine.groups) == largest


def test_out_of_memory_with_one_segment_is_its_error() -> None:
    found = run(FakeMachine(fits=0), [segment("a", 1.0), segment("b", 1.0)])
    assert all("out of memory" in (result.error or "") for result in found.values())
    assert all(result.flags == (OUT_OF_MEMORY,) for result in found.values())


def test_damaged_weights_give_no_words() -> None:
    found = run(FakeMachine(probability=float("nan")), [segment("a", 1.0)])
    assert found["a"].text == ""
    assert "NaN" in (found["a"].error or "")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (segment("bad", 0.02), "too short"),
        (segment("bad", 40.0), "cut it first"),
        (SegmentRequest(key="bad", samples=np.full(16_000, np.nan, np.float32), language=None), "NaN"),
        (SegmentRequest(key="bad", samples=np.zeros((16_000, 2), np.float32), language=None), "one channel"),
    ],
)
def test_hopeless_input_is_refused_and_the_others_go_on(request_: SegmentRequest, message: str) -> None:
    found = run(FakeMachine(), [request_, segment("good", 0.5)])
    assert message in (found["bad"].error or "")
    assert found["bad"].text == ""
    assert found["good"].text == counted(0.5)


def test_a_language_the_model_lacks_costs_the_text_and_is_no_failure() -> None:
    """As from every other engine: an error would fail the call, night after night, into quarantine."""
    found = run(FakeMachine(), [segment("strange", 1.0, language="xx"), segment("good", 0.5)])
    assert (found["strange"].text, found["strange"].error) == ("", None)
    assert found["strange"].flags == ("language_unsupported",)
    assert found["good"].text == counted(0.5)


def test_a_run_that_is_broken_off_frees_its_slots() -> None:
    machine = FakeMachine()
    results = scheduler(machine).run([segment(str(i), 1.0 + i / 10) for i in range(9)])
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert not machine.cache.batch.size
