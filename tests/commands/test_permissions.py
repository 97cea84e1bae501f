"""Files are their owner's, or the group's where that is set; in spawned processes, too."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from commands.permissions import keep_private, let_read
from pipeline.children.worker import Worker
from pipeline.config.areas.output import Readers


@pytest.fixture(autouse=True)
def umask_as_before() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def build_asked() -> Callable[[None], int]:
    """In a spawned process: its umask."""
    return lambda _: umask()


@pytest.mark.parametrize(
    ("before", "readers", "mask"),
    [
        (0o022, Readers.OWNER, 0o077),
        (0o000, Readers.OWNER, 0o077),
        (0o277, Readers.OWNER, 0o277),
        (0o022, Readers.GROUP, 0o027),
        (0o077, Readers.GROUP, 0o027),
    ],
)
def test_who_may_read(before: int, readers: Readers, mask: int) -> None:
    os.umask(before)
    keep_private()
    let_read(readers)
    assert umask() == mask


def test_a_spawned_process_makes_files_for_the_same_readers() -> None:
    keep_private()
    worker = Worker("asked", build_asked, limit_key="run.analysis_timeout_s")
    try:
        assert worker.call(None, 30.0) == 0o077
    finally:
        worker.close()
