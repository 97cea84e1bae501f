"""Fetching within a limit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.errors import SourceUnreadable
from pipeline.records import FoundCall, SkippedFile
from pipeline.sources.source import fetch_within, said_aloud

CALL = FoundCall(
    source_uri="s3://bucket/a.wav", file_name="a.wav", size_bytes=1, modified_at=datetime(2026, 9, 14, tzinfo=UTC)
)


class SlowSource:
    """Brings its recording once it may; says when it was removed."""

    def __init__(self, error: Exception | None = None) -> None:
        self.may, self.removed = threading.Event(), threading.Event()
        self._error = error

    def discover(self) -> Iterator[FoundCall | SkippedFile]:
        return iter(())

    @contextmanager
    def fetch(self, call: FoundCall, spool: Path) -> Iterator[Path]:
        self.may.wait(20)
        if self._error is not None:
            raise self._error
        try:
            yield spool / call.file_name
        finally:
            self.removed.set()


def test_a_recording_that_comes_too_late_is_given_up_and_removed_when_it_comes(tmp_path: Path) -> None:
    source = SlowSource()
    with (
        pytest.raises(SourceUnreadable, match=r"a\.wav: not fetched after 0\.05 s"),
        fetch_within(source, CALL, tmp_path, 0.05),
    ):
        pytest.fail("it is not here")
    assert not source.removed.is_set()
    source.may.set()
    assert source.removed.wait(10)


def test_a_recording_in_time_is_kept_while_it_is_used(tmp_path: Path) -> None:
    source = SlowSource()
    source.may.set()
    with fetch_within(source, CALL, tmp_path, 10.0) as path:
        assert path == tmp_path / "a.wav"
        assert not source.removed.is_set()
    assert source.removed.is_set()


@pytest.mark.parametrize("error", [SourceUnreadable("a.wav: vanished"), TimeoutError("the mount timed out")])
def test_errors_of_the_source_pass_through(tmp_path: Path, error: Exception) -> None:
    source = SlowSource(error)
    source.may.set()
    with pytest.raises(type(error), match=str(error)), fetch_within(source, CALL, tmp_path, 10.0):
        pytest.fail("it is not here")


def test_at_most_ten_messages_are_said_aloud_the_most_telling_first() -> None:
    def skipped(reason: str, number: int) -> SkippedFile:
        return SkippedFile(
            source_uri=f"file:///{number}", file_name=f"{number}.csv", size_bytes=0, modified_at=None, reason=reason,
            message=reason,
        )  # fmt: skip

    rows = [skipped("bad_sidecar_row", number) for number in range(20)]
    said = said_aloud([*rows, skipped("other_type", 30), skipped("sidecar_rows_unmatched", 31)])
    assert said[0] == "31.csv: sidecar_rows_unmatched"
    assert len(said) == 11
    assert said[-1].startswith("11 more")
