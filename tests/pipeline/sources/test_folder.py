from __future__ import annotations

import os
import socket
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.config.areas.sources import InputSettings
from pipeline.errors import InputUnavailable, SourceUnreadable
from pipeline.records import FoundCall, SkippedFile
from pipeline.sources.folder import FolderSource, check_readable
from pipeline.sources.source import build_source
from tests.pipeline.sources.helpers import OLD_S, calls, discover, put, reasons


def test_finds_recordings_in_all_folders_by_stable_address(tmp_path: Path) -> None:
    put(tmp_path / "b.wav")
    put(tmp_path / "in ner" / "deep" / "a.WAV")
    found = calls(discover(tmp_path))
    assert set(found) == {"b.wav", "a.WAV"}
    assert found["b.wav"].source_uri == f"file://{tmp_path}/b.wav"
    assert found["b.wav"].modified_at == datetime.fromtimestamp(OLD_S, UTC)
    assert found["b.wav"].size_bytes == (tmp_path / "b.wav").stat().st_size
    assert found == calls(discover(f"{tmp_path}/../{tmp_path.name}/")), "the address does not depend on the spelling"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.wav", b"", "empty"),
        ("one_sample.wav", b"RIFF" + b"\0" * 44, "too_small"),
        ("a.wav.part", None, "temporary"),
        ("upload.tmp", None, "temporary"),
        ("._a.wav", None, "temporary"),
        (".a.wav", None, "hidden"),
        ("notes.txt", b"x" * 2000, "other_type"),
        ("no_suffix", b"x" * 2000, "other_type"),
        ("broken.zip", b"not an archive" * 100, "bad_archive"),
        ("._broken.zip", b"x" * 2000, "temporary"),
    ],
)
def test_says_why_a_file_is_passed_over(tmp_path: Path, name: str, content: bytes | None, reason: str) -> None:
    put(tmp_path / name, content)
    put(tmp_path / "good.wav")
    items = discover(tmp_path)
    assert reasons(items) == {name: reason}
    assert list(calls(items)) == ["good.wav"], "the others are not stopped"
    assert all(item.message for item in items if isinstance(item, SkippedFile))


@pytest.mark.parametrize(
    ("settings", "taken"),
    [
        ({"include": ["*.wav"]}, {"a.wav", "b.wav", "keep.wav"}),
        ({"include": ["A.WAV"]}, {"a.wav"}),
        ({"include": ["**/keep.*"]}, {"keep.wav"}),
        ({"include": ["north/*"]}, {"b.wav"}),
        ({"exclude": ["north/**", "*.mp3"]}, {"a.wav", "keep.wav"}),
        ({"recursive": False}, {"a.wav", "c.mp3"}),
        ({"extensions": [".MP3"]}, {"c.mp3"}),
        ({"min_size_bytes": 10**6}, set()),
    ],
)
def test_takes_what_the_settings_name(tmp_path: Path, settings: dict[str, object], taken: set[str]) -> None:
    for name in ("a.wav", "north/b.wav", "south/keep.wav", "c.mp3"):
        put(tmp_path / name)
    assert set(calls(discover(tmp_path, **settings))) == taken


def test_a_file_changing_between_two_looks_waits(tmp_path: Path) -> None:
    put(tmp_path / "done.wav", young=True)
    growing = put(tmp_path / "growing.wav", young=True)
    vanishing = put(tmp_path / "a-vanishing.wav", young=True)
    waits: list[float] = []

    def recorder_goes_on(seconds: float) -> None:
        waits.append(seconds)
        growing.write_bytes(growing.read_bytes() + b"\0" * 100)
        vanishing.unlink()

    source = FolderSource(str(tmp_path), InputSettings(path=str(tmp_path)), sleep=recorder_goes_on)
    items = list(source.discover())
    assert list(calls(items)) == ["done.wav"]
    (waiting,) = [item for item in items if isinstance(item, SkippedFile)]
    assert (waiting.file_name, waiting.reason, waiting.waiting) == ("growing.wav", "still_growing", True)
    assert len(waits) == 1
    assert waits[0] <= 1.0


def test_no_second_look_when_everything_is_old_enough(tmp_path: Path) -> None:
    put(tmp_path / "a.wav")

    def no_wait(seconds: float) -> None:
        raise AssertionError("waited")

    source = FolderSource(str(tmp_path), InputSettings(path=str(tmp_path)), sleep=no_wait)
    assert len(list(source.discover())) == 1


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    put(tmp_path / "calls" / "a.wav")
    elsewhere = put(tmp_path / "elsewhere" / "b.wav")
    (tmp_path / "calls" / "loop").symlink_to(tmp_path / "calls")
    (tmp_path / "calls" / "other").symlink_to(elsewhere.parent)
    (tmp_path / "calls" / "gone.wav").symlink_to(tmp_path / "nothing.wav")
    items = discover(tmp_path / "calls")
    assert set(calls(items)) == {"a.wav", "b.wav"}
    assert reasons(items) == {"loop": "linked_twice", "gone.wav": "dangling_link"}
    strict = discover(tmp_path / "calls", follow_links=False)
    assert set(calls(strict)) == {"a.wav"}
    assert reasons(strict) == {"loop": "link", "other": "link", "gone.wav": "link"}


def test_hidden_folders_are_named_and_not_entered(tmp_path: Path) -> None:
    put(tmp_path / ".trash" / "a.wav")
    assert reasons(discover(tmp_path)) == {".trash": "hidden_folder"}
    assert set(calls(discover(tmp_path, include_hidden=True))) == {"a.wav"}


def test_pipes_and_sockets_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(os.path.relpath(tmp_path / "socket.wav"))
        assert reasons(discover(tmp_path)) == {"pipe.wav": "not_a_file", "socket.wav": "not_a_file"}


def test_an_unreadable_folder_is_reported_and_costs_only_itself() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        put(folder / "then" / "a.wav")
        put(folder / "shut" / "b.wav")
        (folder / "shut").chmod(0)
        was_root = os.geteuid() == 0
        if was_root:
            os.seteuid(65534)
        try:
            items = discover(folder)
        finally:
            if was_root:
                os.seteuid(0)
            (folder / "shut").chmod(0o755)
    assert set(calls(items)) == {"a.wav"}
    assert reasons(items) == {"shut": "unreadable_folder"}


def test_a_name_that_is_not_utf8_is_found_fetched_and_shown(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9 100%#!.wav"
    with open(raw, "wb") as file:
        file.write(b"\1" * 2000)
    os.utime(raw, (OLD_S, OLD_S))
    source = build_source(InputSettings(path=str(tmp_path)))
    (found,) = source.discover()
    assert isinstance(found, FoundCall)
    assert found.file_name == "caf\ufffd 100%#!.wav"
    assert found.source_uri.isascii()
    with source.fetch(found, tmp_path / "spool") as path:
        assert path.read_bytes() == b"\1" * 2000


def test_fetch_of_a_vanished_recording_is_transient(tmp_path: Path) -> None:
    path = put(tmp_path / "a.wav")
    source = build_source(InputSettings(path=str(tmp_path)))
    (found,) = source.discover()
    assert isinstance(found, FoundCall)
    path.unlink()
    with pytest.raises(SourceUnreadable, match=r"a\.wav: vanished"), source.fetch(found, tmp_path):
        pass


def test_a_single_recording_as_input(tmp_path: Path) -> None:
    put(tmp_path / "other.wav")
    wanted = put(tmp_path / "odd.name")
    assert set(calls(discover(wanted))) == {"odd.name"}


@pytest.mark.parametrize("name", ["nothing", "nothing.zip"])
def test_an_input_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputUnavailable, match=r"nothing.*input\.path"):
        discover(tmp_path / name)


def test_an_empty_folder_offers_nothing(tmp_path: Path) -> None:
    assert discover(tmp_path) == []


@pytest.mark.parametrize("seconds", [253_402_300_800, 10**15, -62_135_596_801, -(10**12)])
def test_a_time_no_calendar_holds_costs_its_own_value_alone(tmp_path: Path, seconds: int) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else tmp_path) as folder:
        odd = put(Path(folder) / "a.wav")
        put(Path(folder) / "b.wav")
        put(Path(folder) / "c.txt")
        for name in ("a.wav", "c.txt"):
            os.utime(Path(folder) / name, (seconds, seconds))
        if os.stat(odd).st_mtime != seconds:
            pytest.skip("no file system here holds such a time")
        first, second = calls(discover(folder, look_again_s=0)), calls(discover(folder, look_again_s=0))
        assert first == second, "nothing changed"
        assert (first["a.wav"].modified_at, first["a.wav"].metadata.remarks) == (None, ("file_time_unreadable",))
        assert first["b.wav"].modified_at is not None
        os.utime(odd, (seconds + 1, seconds + 1))
        assert calls(discover(folder, look_again_s=0))["a.wav"].etag != first["a.wav"].etag, "a change is still seen"


@pytest.mark.parametrize("name", ["a\nb.wav", "a\u202egpj.wav", "a\u200fb.wav", "a\rb.wav", b"\xed\xa0\x80.wav"])
def test_a_name_of_odd_characters_is_found_fetched_and_fits_a_row(tmp_path: Path, name: str | bytes) -> None:
    path = os.path.join(os.fsencode(tmp_path), name) if isinstance(name, bytes) else os.path.join(tmp_path, name)
    put(Path(os.fsdecode(path)))
    put(tmp_path / "good.wav")
    source = build_source(InputSettings(path=str(tmp_path)))
    found = [item for item in source.discover() if isinstance(item, FoundCall)]
    assert len(found) == 2
    for call in found:
        assert call.file_name.encode()
        assert call.source_uri.isascii()
        with source.fetch(call, tmp_path / "spool") as here:
            assert here.read_bytes()


def test_a_link_that_leads_to_itself_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.wav").symlink_to("a.wav")
    put(tmp_path / "b.wav")
    items = discover(tmp_path)
    assert reasons(items) == {"a.wav": "unreadable"}
    assert set(calls(items)) == {"b.wav"}


def test_a_pipe_named_by_hand_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(InputUnavailable, match="neither a file nor a folder"):
        discover(tmp_path / "a.wav")


def test_a_recording_that_cannot_be_read_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="cannot be read now: Is a directory"):
        check_readable(tmp_path)
