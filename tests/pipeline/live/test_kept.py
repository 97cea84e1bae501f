"""Folders of live calls: nobody else reads them, one server has each, and only what is still to be stored stays."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from pipeline.live.kept import KeptCalls
from pipeline.live.ports import LiveHeader
from pipeline.live.recording import GrowingRecording
from tests.live_rooms import RATE_HZ, start_of

HEADER = LiveHeader(session="one", started_at=datetime(2026, 1, 1, tzinfo=UTC), start=start_of(), file_name="one.wav")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[KeptCalls]:
    kept = KeptCalls(tmp_path)
    kept.begin(HEADER)
    yield kept
    kept.remove("one")


def record(folder: Path, samples: int) -> None:
    recording = GrowingRecording(folder / "one.wav", len(HEADER.start.roles), RATE_HZ)
    recording.write(0, 0, np.ones(samples, dtype=np.int16))
    recording.abandon()


def test_only_the_server_itself_may_look_into_a_calls_folder(server: KeptCalls, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    assert server.folder_of("one") == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "lock").stat().st_mode) == 0o600
    assert sorted(path.name for path in folder.iterdir()) == ["call.json", "lock"]


def test_a_call_is_another_servers_only_once_the_first_lets_go(server: KeptCalls, tmp_path: Path) -> None:
    record(tmp_path / "one", 100)
    other = KeptCalls(tmp_path)
    assert list(other.left_behind()) == []
    server.leave("one")
    ((header, recording),) = other.left_behind()
    assert (header, recording) == (HEADER, tmp_path / "one" / "one.wav")
    assert list(server.left_behind()) == [], "the other server has it now"
    other.remove("one")
    assert not (tmp_path / "one").exists()
    assert other._locks == server._locks == {}, "no file of a call that is over stays open"


def test_a_call_that_is_over_keeps_its_folder_until_its_recording_is_handed_over(
    server: KeptCalls, tmp_path: Path
) -> None:
    server.leave("one")
    assert (tmp_path / "one" / "call.json").exists()
    server.forget("one")
    assert (tmp_path / "one").exists()
    server.forget("one")
    server.leave("one")
    assert not (tmp_path / "one").exists()


@pytest.mark.parametrize("content", ["nothing", "no samples", "no header"])
def test_a_folder_without_a_recording_to_hand_over_goes(server: KeptCalls, tmp_path: Path, content: str) -> None:
    folder = tmp_path / "one"
    if content != "nothing":
        record(folder, 0 if content == "no samples" else 100)
    if content == "no header":
        server.forget("one")
    os.close(server._locks.pop("one"))
    assert list(KeptCalls(tmp_path).left_behind()) == []
    assert not folder.exists()


def test_a_folder_that_another_server_is_just_making_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "young").mkdir()
    old = tmp_path / "old"
    old.mkdir()
    os.utime(old, (old.stat().st_atime, old.stat().st_mtime - 61))
    assert list(KeptCalls(tmp_path).left_behind()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["young"]


def test_what_cannot_be_read_costs_no_other_call(server: KeptCalls, tmp_path: Path) -> None:
    record(tmp_path / "one", 100)
    server.leave("one")
    odd = tmp_path / "a call before it"
    odd.mkdir()
    (odd / "lock").touch()
    (odd / "call.json").write_text("{}")
    record(odd, 100)
    assert [header.session for header, _ in KeptCalls(tmp_path).left_behind()] == ["one"]
    assert odd.exists(), "a person may still want it"
