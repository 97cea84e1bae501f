"""Room on the disk for what was fetched ahead."""

from __future__ import annotations

from pipeline.run.stages.room import Room


def test_there_is_so_much_room_and_no_more() -> None:
    room = Room(100)
    assert room.take(60, 0)
    assert room.take(40, 0)
    assert not room.take(1, 0)
    room.give(40)
    assert not room.take(41, 0)
    assert room.take(40, 0)


def test_what_is_larger_than_all_of_it_gets_it_when_it_is_empty() -> None:
    room = Room(100)
    assert room.take(250, 0)
    assert not room.take(1, 0)
    room.give(250)
    assert room.take(1, 0)
    assert not room.take(250, 0)


def test_what_must_be_taken_at_once_is_and_counts() -> None:
    room = Room(100)
    assert room.take(80, 0)
    assert room.take(80, 0, at_once=True)
    room.give(80)
    assert not room.take(21, 0)
    assert room.take(20, 0)
