"""Answers that are kept for a while."""

from __future__ import annotations

from threading import Event, Semaphore

from service.kept import Kept, KeptBy


def test_a_value_is_made_anew_when_it_is_old() -> None:
    clock, made = [1000.0], []

    def make() -> int:
        made.append(clock[0])
        return len(made)

    kept = Kept(make, 60.0, lambda: clock[0])
    seen = []
    for moment in (1000.0, 1059.0, 1061.0, 1062.0, 1120.0, 1121.5):
        clock[0] = moment
        seen.append(kept.get())
    assert seen == [1, 1, 2, 2, 2, 3]


def test_the_keys_that_were_asked_for_last_are_kept() -> None:
    made: list[str] = []

    def make(key: str) -> int:
        made.append(key)
        return len(made)

    kept: KeptBy[str, int] = KeptBy(make, 60.0, most=2, now=lambda: 1000.0)
    assert [kept.get(key) for key in ("a", "b", "a", "c", "a", "b")] == [1, 2, 1, 3, 1, 4]
    assert made == ["a", "b", "c", "b"]


def test_an_old_value_is_given_while_the_next_one_is_made() -> None:
    clock, made, next_one = [1000.0], [1], Event()
    renewed = Event()

    def make() -> int:
        if clock[0] > 1000.0:
            next_one.wait(20)
            made.append(len(made) + 1)
            renewed.set()
        return made[-1]

    kept = Kept(make, 60.0, lambda: clock[0], at_most_s=600.0)
    assert kept.get() == 1
    clock[0] = 1061.0
    assert [kept.get(), kept.get()] == [1, 1], "nobody waits"
    next_one.set()
    assert renewed.wait(20)
    clock[0] = 1700.0
    assert kept.get() in (2, 3), "too old to be given: made while one waits"


def test_a_value_that_could_not_be_renewed_stays() -> None:
    clock, tried = [1000.0], Semaphore(0)

    def make() -> int:
        if clock[0] > 1000.0:
            tried.release()
            raise OSError("the database is away")
        return 1

    kept: KeptBy[str, int] = KeptBy(lambda _: make(), 60.0, now=lambda: clock[0], at_most_s=600.0)
    assert kept.get("all") == 1
    clock[0] = 1061.0
    assert kept.get("all") == 1
    assert tried.acquire(timeout=20)
    assert kept.get("all") == 1
