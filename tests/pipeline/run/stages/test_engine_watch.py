"""Whether calls may begin, and which engine is looked for once another serves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pipeline.config.areas.run import RunSettings
from pipeline.records import EngineIdentity
from pipeline.run.context import BatchParts, RunContext
from pipeline.run.performance import PerformanceRecorder
from pipeline.run.signals import RunSignals
from pipeline.run.stages.engine_watch import EngineWatch
from pipeline.run.tally import Tally
from tests.pipeline.run.stages.test_recognise import FIRST, SECOND, FakeProcess, Silent, says_its_key


@dataclass
class FakeReturn:
    """Finds what it is given, and keeps what it is told."""

    finds: EngineIdentity | None = None
    told: list[tuple[str, ...]] = field(default_factory=list)

    def found(self, serving: EngineIdentity) -> EngineIdentity | None:
        self.told.append(("looked", serving.engine))
        found, self.finds = self.finds, None
        return found

    def left(self, identity: EngineIdentity, why: str) -> None:
        self.told.append(("left", identity.engine, why))

    def returned(self, engine: str) -> None:
        self.told.append(("returned", engine))

    def in_vain(self, engine: str, why: str) -> None:
        self.told.append(("in vain", engine, why))

    def close(self) -> None:
        self.told.append(("closed",))


def watch_of(process: Any, returns: Any, observer: Silent, tally: Tally) -> EngineWatch:
    nothing: Any = None
    parts = BatchParts(
        source=nothing, store=nothing, claims=nothing, preparer=nothing, recogniser=nothing, recogniser_arguments=(),
        analyser=nothing, transcripts=nothing, engines=("first", "second"),
    )  # fmt: skip
    context = RunContext(
        parts=parts, signals=RunSignals(RunSettings()), recorder=PerformanceRecorder(), observer=observer, tally=tally,
        desk=nothing, recipe=nothing,
    )  # fmt: skip
    return EngineWatch(context, process, returns)


@pytest.mark.parametrize(
    ("finds", "serving", "idle", "may_begin", "told"),
    [
        (None, None, True, True, []),
        (None, SECOND, False, True, [("looked", "second")]),
        (FIRST, SECOND, False, False, [("looked", "second")]),
        (FIRST, SECOND, True, True, [("looked", "second"), ("returned", "first")]),
    ],
    ids=["nothing serves yet", "nothing is found", "calls are under way", "back"],
)
def test_calls_wait_only_for_a_better_engine_that_is_back(
    finds: EngineIdentity | None,
    serving: EngineIdentity | None,
    idle: bool,
    may_begin: bool,
    told: Sequence[tuple[str, ...]],
) -> None:
    returns, observer = FakeReturn(finds), Silent()
    process = FakeProcess(says_its_key, identity=serving)
    assert watch_of(process, returns, observer, Tally()).may_begin(serving, idle) is may_begin
    assert returns.told == told
    assert observer.notices == []


def test_an_engine_that_is_back_is_not_looked_for_again_while_calls_end() -> None:
    returns = FakeReturn(FIRST)
    watch = watch_of(FakeProcess(says_its_key, identity=SECOND), returns, Silent(), Tally())
    assert [watch.may_begin(SECOND, idle) for idle in (False, False, True)] == [False, False, True]
    assert returns.told == [("looked", "second"), ("returned", "first")]


def test_one_that_does_not_load_is_told_and_calls_go_on() -> None:
    returns, observer = FakeReturn(FIRST), Silent()
    serving = replace(SECOND, passed_over=("first: no weights", "zeroth: gone"))
    process = FakeProcess(says_its_key, identity=serving, absent=frozenset({"first"}))
    assert watch_of(process, returns, observer, Tally()).may_begin(SECOND, idle=True)
    assert returns.told == [("looked", "second"), ("in vain", "first", "first: no weights; zeroth: gone")]
    assert observer.notices == [
        "first answered again, but could not be loaded: first: no weights; zeroth: gone",
    ]


@pytest.mark.parametrize(
    ("before", "now", "without_memory", "left"),
    [
        (FIRST, replace(SECOND, passed_over=("first: died",)), set(), [("left", "first", "first: died")]),
        (SECOND, FIRST, set(), []),
        (FIRST, replace(FIRST, revision="later"), set(), []),
        (FIRST, replace(SECOND, passed_over=("first: died",)), {"first"}, []),
    ],
    ids=["a better one", "a worse one", "the same with other weights", "one that has no memory here"],
)
def test_only_a_better_engine_is_looked_for_once_it_was_left(
    before: EngineIdentity, now: EngineIdentity, without_memory: set[str], left: list[tuple[str, ...]]
) -> None:
    returns, observer, tally = FakeReturn(), Silent(), Tally()
    process = FakeProcess(says_its_key, identity=now, without_memory=without_memory)
    watch_of(process, returns, observer, tally).changed(before, now, again=2)
    assert returns.told == left
    why = "; ".join(now.passed_over) or "it can be loaded again"
    (change,) = tally.engine_changes
    assert (change.left, change.now, change.why, change.calls_again) == (before.engine, now.engine, why, 2)
    assert observer.notices == [
        f"the recogniser is now {now.engine} (m), no longer {before.engine}: {why}; 2 calls under way will begin again"
    ]


def test_without_engines_to_look_for_nothing_is_asked_or_closed() -> None:
    observer = Silent()
    watch = watch_of(FakeProcess(says_its_key, identity=SECOND), None, observer, Tally())
    assert watch.may_begin(SECOND, idle=False)
    watch.changed(FIRST, SECOND, again=0)
    watch.close()
    assert observer.notices == ["the recogniser is now second (m), no longer first: it can be loaded again"]
