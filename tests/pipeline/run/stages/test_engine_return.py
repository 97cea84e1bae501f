"""When an engine that went away is looked for, and what follows from what a look says."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from pipeline.errors import ModelUnavailable
from pipeline.records import EngineIdentity
from pipeline.run.stages.engine_return import EngineReturn

FIRST = EngineIdentity(engine="first", model="m", revision=None, options_hash="0", rank=0, demonstration=False)
SECOND = replace(FIRST, engine="second", rank=1)
THIRD = replace(FIRST, engine="third", rank=2)


class Looks:
    """Answers of looks, each awaited by `after`, and a clock."""

    def __init__(self, *absent: str) -> None:
        self.absent, self.at, self.now_s = set(absent), list[tuple[str, float]](), 0.0
        self.looked = threading.Event()
        self.returns = EngineReturn(self.look, 30.0, 100.0, lambda: self.now_s)

    def look(self, engine: str) -> None:
        try:
            self.at.append((engine, self.now_s))
            if engine in self.absent:
                raise ModelUnavailable("no answer")
        finally:
            self.looked.set()

    def after(self, seconds: float, serving: EngineIdentity = THIRD) -> EngineIdentity | None:
        """What is found at this time, by a look that is through."""
        self.now_s += seconds
        begun = len(self.at)
        self.looked.clear()
        found = self.returns.found(serving)
        look = self.returns._look
        if found is None and look is not None:
            look[1].exception(10)
            assert len(self.at) == begun + 1
            found = self.returns.found(serving)
        return found


def test_pauses_double_up_to_the_longest_and_no_look_comes_early() -> None:
    looks = Looks("first")
    looks.returns.left(FIRST, "503")
    for _ in range(400):
        looks.after(1.0)
    assert looks.at == [("first", at_s) for at_s in (30.0, 90.0, 190.0, 290.0, 390.0)]
    looks.returns.close()


def test_an_engine_that_answers_is_found_once_and_the_best_is_looked_for_first() -> None:
    looks = Looks("first")
    looks.returns.left(FIRST, "503")
    looks.returns.left(SECOND, "died")
    assert looks.after(30.0) is None
    assert looks.after(0.0) == SECOND
    looks.returns.returned("second")
    looks.absent.clear()
    assert looks.after(30.0, serving=SECOND) is None, "a minute has not passed"
    assert looks.after(30.0, serving=SECOND) == FIRST
    looks.returns.close()


def test_only_engines_listed_before_the_one_that_serves_are_looked_for() -> None:
    looks = Looks()
    looks.returns.left(THIRD, "died")
    assert looks.after(1000.0, serving=SECOND) is None
    assert looks.at == []
    looks.returns.close()


@pytest.mark.parametrize("served", [True, False])
def test_an_engine_that_goes_again_before_it_served_waits_longer(served: bool) -> None:
    looks = Looks()
    looks.returns.left(FIRST, "503")
    assert looks.after(30.0) == FIRST
    looks.returns.returned("first")
    assert looks.returns.on_trial("first")
    if served:
        looks.returns.served("first")
        assert not looks.returns.on_trial("first")
    looks.returns.left(FIRST, "503 again")
    looks.after(30.0)
    assert len(looks.at) == (2 if served else 1)
    if not served:
        looks.after(30.0)
        assert len(looks.at) == 2
    looks.returns.close()


def test_one_that_was_found_but_did_not_load_waits_longer() -> None:
    looks = Looks()
    looks.returns.left(FIRST, "503")
    assert looks.after(30.0) == FIRST
    looks.returns.in_vain("first", "unreadable")
    assert looks.after(59.0) is None
    assert looks.after(1.0) == FIRST
    looks.returns.close()


def test_while_a_look_is_under_way_no_other_begins_and_nobody_waits_for_it() -> None:
    go_on, begun = threading.Event(), list[str]()

    def slowly(engine: str) -> None:
        begun.append(engine)
        go_on.wait(10)

    now_s = [0.0]
    returns = EngineReturn(slowly, 1.0, 1.0, lambda: now_s[0], close=go_on.set)
    returns.left(FIRST, "503")
    for _ in range(5):
        now_s[0] += 10.0
        assert returns.found(SECOND) is None
    returns.close()
    assert begun == ["first"]
