"""Events are numbered, and told again to whoever missed them."""

from __future__ import annotations

from pipeline.live.events import EventLog, Notice, Partial, Turn
from pipeline.records import Role


def partial(ordinal: int, text: str, track: int = 0) -> Partial:
    return Partial(track=track, ordinal=ordinal, role=Role.CLIENT, start_s=0.0, end_s=1.0, text=text)


def turn(ordinal: int, track: int = 0) -> Turn:
    return Turn(track=track, ordinal=ordinal, role=Role.CLIENT, start_s=0.0, end_s=1.0, text="all of it")


def test_of_partial_turns_only_the_latest_is_told_again() -> None:
    log = EventLog()
    for event in (partial(0, "all"), partial(0, "all of"), partial(0, "yes", track=1), turn(0), Notice(text="so")):
        log.add(event)
    assert [(number, event.type) for number, event in log.after(0)] == [(3, "partial"), (4, "turn"), (5, "notice")]
    assert log.after(4) == [(5, Notice(text="so"))]
    assert log.last == 5


def test_a_late_final_turn_leaves_the_partial_of_the_next() -> None:
    log = EventLog()
    log.add(partial(1, "and then"))
    log.add(turn(0))
    assert [event.type for _, event in log.after(0)] == ["partial", "turn"]


def test_listeners_are_told_until_they_leave() -> None:
    log, heard = EventLog(), []

    def tell() -> None:
        heard.append(log.last)

    log.listen(tell)
    log.add(Notice(text="one"))
    log.leave(tell)
    log.add(Notice(text="two"))
    assert heard == [1]
