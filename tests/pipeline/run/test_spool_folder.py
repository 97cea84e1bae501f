"""The spool: what is this process's own, what the dead left, what was decoded for listeners."""

from __future__ import annotations

from pathlib import Path

from pipeline.run.spool_folder import forget_decoded, listening_spool, own_spool


def test_what_was_decoded_for_listeners_goes_and_rooms_stay_open(tmp_path: Path) -> None:
    room = listening_spool(tmp_path) / "listening-x"
    call = own_spool(tmp_path) / "call"
    for folder in (room, call):
        folder.mkdir(parents=True)
        (folder / "a.wav").touch()
    assert forget_decoded(tmp_path) == 1
    assert room.is_dir()
    assert (call / "a.wav").exists()
    assert forget_decoded(tmp_path) == 0


def test_what_a_killed_reading_room_decoded_is_swept(tmp_path: Path) -> None:
    room = listening_spool(tmp_path)
    dead = room.parent.with_name(room.parent.name.rpartition("-")[0] + "-999999999") / room.name
    dead.mkdir(parents=True)
    assert listening_spool(tmp_path) == room
    assert not dead.exists()
