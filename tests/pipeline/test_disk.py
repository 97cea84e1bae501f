"""A full disk is told apart, waited for, and never leaves half a file behind."""

from __future__ import annotations

import errno
import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.areas.run import RunSettings
from pipeline.disk import outlast_full_disk, remove_folder, says_disk_full, spooling, write_spooled
from pipeline.errors import DiskFull, EarshotError, SourceUnreadable, TransientError
from pipeline.run.signals import RunSignals
from pipeline.run.stages.work import with_retries


class FullFor:
    """Work that finds the disk full so many times, then goes through."""

    def __init__(self, times: int, error: EarshotError | None = None) -> None:
        self.left = times
        self.calls = 0
        self._error = error or DiskFull("/spool: no space left on device")

    def __call__(self) -> str:
        self.calls += 1
        if self.left > 0:
            self.left -= 1
            raise self._error
        return "written"


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (OSError(errno.EACCES, "Permission denied"), False),
        (OSError("no number at all"), False),
        (ValueError("not of the system"), False),
    ],
)
def test_only_want_of_space_counts_as_a_full_disk(error: Exception, full: bool) -> None:
    assert says_disk_full(error) is full


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EROFS, TransientError)]
)
def test_trouble_of_the_spool_names_the_folder_and_the_setting(number: int, kind: type[EarshotError]) -> None:
    with pytest.raises(kind, match=r"/spool .*run\.spool_dir") as raised, spooling(Path("/spool")):
        raise OSError(number, "planted")
    assert isinstance(raised.value, DiskFull) is (kind is DiskFull)


class Part(io.RawIOBase):
    """A raw file that takes three bytes at a time, and `room` in all."""

    def __init__(self, room: int) -> None:
        self.content = b""
        self._room = room

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        taken = bytes(content[: min(3, self._room - len(self.content))])
        if not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.content += taken
        return len(taken)


def test_a_write_that_takes_only_a_part_is_gone_on_with() -> None:
    file = Part(room=100)
    write_spooled(file, b"0123456789", Path("/spool"))  # type: ignore[arg-type]
    assert file.content == b"0123456789"


def test_a_disk_that_fills_up_in_mid_write_is_no_short_file_taken_for_whole() -> None:
    with pytest.raises(DiskFull):
        write_spooled(Part(room=7), b"0123456789", Path("/spool"))  # type: ignore[arg-type]


def test_a_full_disk_is_waited_for_and_said_once() -> None:
    notices: list[str] = []
    work = FullFor(2)
    assert outlast_full_disk(work, 30.0, notices.append) == "written"
    assert work.calls == 3
    assert len(notices) == 2
    assert "run.disk_patience_s" in notices[0]
    assert "again" in notices[1]


def test_a_disk_that_has_space_is_nothing_to_speak_of() -> None:
    notices: list[str] = []
    assert outlast_full_disk(FullFor(0), 30.0, notices.append) == "written"
    assert notices == []


def test_patience_ends() -> None:
    with pytest.raises(DiskFull):
        outlast_full_disk(FullFor(10**6), 0.7, lambda _: None)


def test_other_errors_are_not_waited_for() -> None:
    work = FullFor(1, SourceUnreadable("vanished"))
    with pytest.raises(SourceUnreadable):
        outlast_full_disk(work, 30.0, lambda _: None)
    assert work.calls == 1


def test_a_run_that_is_abandoned_does_not_wait_for_space() -> None:
    given_up = threading.Event()
    given_up.set()
    work = FullFor(10**6)
    with pytest.raises(DiskFull):
        outlast_full_disk(work, 3600.0, lambda _: None, given_up)
    assert work.calls == 1


def test_a_run_stopped_while_it_waits_for_space_was_stopped_and_did_not_break() -> None:
    signals = RunSignals(RunSettings(disk_patience_s=3600.0))
    signals.stop("SIGTERM received")
    signals.abandoned.set()
    with pytest.raises(DiskFull):
        with_retries(FullFor(10**6), signals.settings, signals, lambda _: None)
    assert signals.fatal is None


@pytest.mark.parametrize(("patience_s", "ends_the_run"), [(0.0, True), (30.0, False)])
def test_a_disk_that_stays_full_ends_the_run_and_blames_no_call(patience_s: float, ends_the_run: bool) -> None:
    settings = RunSettings(disk_patience_s=patience_s, attempts=1)
    signals = RunSignals(settings)
    work: Callable[[], str] = FullFor(2)
    if ends_the_run:
        with pytest.raises(DiskFull):
            with_retries(work, settings, signals, lambda _: None)
        assert isinstance(signals.fatal, DiskFull)
        assert signals.abandoned.is_set()
    else:
        assert with_retries(work, settings, signals, lambda _: None) == "written"  # more waits than run.attempts
        assert signals.fatal is None


def test_a_folder_goes_with_all_that_is_in_it_and_may_have_gone_already(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "channel.f32").touch()
    for _ in range(2):
        remove_folder(folder)
        assert list(tmp_path.iterdir()) == []
