"""Where calls come from: the Protocol, and the choice of an implementation by `input.path`.

Finding a call looks at names, sizes and times only, so that planning a night's tens of thousands of files takes
seconds. Headers are read later, by `pipeline.sources.probe`, and only of files that are new or changed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from pipeline.config.areas.buckets import in_bucket
from pipeline.config.areas.sources import InputSettings
from pipeline.errors import InputUnavailable, SourceUnreadable
from pipeline.records import FoundCall, SkippedFile
from pipeline.sources.addresses import file_uri
from pipeline.threads import begun

UNREADABLE_ARCHIVE = "unreadable_archive"
"""Reason for an archive that could not be read now and may be next time."""
NOT_A_CALL = frozenset(
    {
        UNREADABLE_ARCHIVE,
        "bad_archive",
        "bad_sidecar",
        "bad_sidecar_row",
        "dangling_link",
        "hidden_folder",
        "linked_twice",
        "not_a_file",
        "other_type",
        "sidecar_rows_unmatched",
        "temporary",
        "unreadable_folder",
    }
)
"""Reasons about a folder, an archive, a CSV row or another kind of file, not about a recording: they go into the run's
files and log, not into `calls`."""
_ALOUD = (
    "sidecar_rows_unmatched",
    "bad_sidecar",
    "bad_archive",
    UNREADABLE_ARCHIVE,
    "unreadable_folder",
    "bad_sidecar_row",
)
_MESSAGES = 10


def said_aloud(skipped: Sequence[SkippedFile]) -> list[str]:
    """Problems that somebody should fix and that no recording's row can show: at most ten messages for the terminal."""
    wanted = sorted((item for item in skipped if item.reason in _ALOUD), key=lambda item: _ALOUD.index(item.reason))
    messages = [f"{item.file_name}: {item.message}" for item in wanted[:_MESSAGES]]
    if len(wanted) > _MESSAGES:
        messages.append(f"{len(wanted) - _MESSAGES} more of this kind are listed in file_statuses_*.json")
    return messages


class CallSource(Protocol):
    """Offers recordings, and brings one here when it is needed."""

    def discover(self) -> Iterator[FoundCall | SkippedFile]:
        """Everything found, as it is found; a skipped file carries its reason.

        Raises InputUnavailable when the source itself cannot be reached.
        """
        ...

    def fetch(self, call: FoundCall, spool: Path) -> AbstractContextManager[Path]:
        """A local path to the recording's bytes, valid inside the `with` block.

        What had to be unpacked or downloaded lies in `spool` under a name of ours and is removed afterwards. Safe
        from several threads. Raises SourceUnreadable (vanished, unreachable, changed since found), UnsafePath.
        """
        ...


@contextmanager
def fetch_within(source: CallSource, call: FoundCall, spool: Path, limit_s: float | None) -> Iterator[Path]:
    """`source.fetch`, given up after `limit_s`: a mount that hangs cannot be interrupted, so a thread of its own waits.

    A file that arrives too late is removed. Raises SourceUnreadable when it gives up, and what `source.fetch` raises.
    """
    under_way = source.fetch(call, spool)
    lock, given_up = threading.Lock(), False
    come: Future[Path] = Future()

    def bring() -> None:
        try:
            path = under_way.__enter__()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised in the thread that waits
            come.set_exception(error)
            return
        with lock:
            if not given_up:
                come.set_result(path)
                return
        under_way.__exit__(None, None, None)

    begun("fetch-within", bring)
    try:
        path = come.result(limit_s)
    except FutureTimeout:
        with lock:
            given_up = not come.done()
        if given_up:
            raise SourceUnreadable(
                f"{call.file_name}: not fetched after {limit_s:g} s (run.fetch_timeout_s); it is tried again"
            ) from None
        path = come.result()
    try:
        yield path
    finally:
        under_way.__exit__(None, None, None)


@contextmanager
def fetch_files(source: CallSource, call: FoundCall, spool: Path, limit_s: float | None) -> Iterator[tuple[Path, ...]]:
    """Local paths of all files of a call: one, or one for each side. Each may take `limit_s`; see `fetch_within`."""
    with ExitStack() as held:
        yield tuple(held.enter_context(fetch_within(source, file, spool, limit_s)) for file in call.files)


class SeveralSources:
    """Offers what each of several local sources offers, once: inputs named together on the command line."""

    def __init__(self, sources: Iterable[CallSource]) -> None:
        from pipeline.sources.archive import ArchiveSource

        self._sources = list(sources)
        # A folder's source brings any local file here, an archive's only members.
        self._bringing = next((s for s in self._sources if not isinstance(s, ArchiveSource)), self._sources[0])

    def discover(self) -> Iterator[FoundCall | SkippedFile]:
        """See CallSource."""
        seen: set[str] = set()
        for source in self._sources:
            for item in source.discover():
                if item.source_uri not in seen:
                    seen.add(item.source_uri)
                    yield item

    def fetch(self, call: FoundCall, spool: Path) -> AbstractContextManager[Path]:
        """See CallSource."""
        return self._bringing.fetch(call, spool)


def build_source(settings: InputSettings, since: str = "") -> CallSource:
    """The source `input.path` asks for (folder, single recording, .zip or s3://bucket/prefix), with those of
    `input.more`. `since`: of a bucket, only keys that do not sort before this below the prefix.

    Raises InputUnavailable when a path does not exist or cannot be read.
    """
    if settings.more:
        return SeveralSources(_each(settings))
    if in_bucket(settings.path):
        from pipeline.sources.bucket import BucketSource

        return BucketSource(settings, since)
    return _local(_readable(settings.path), settings)


def places(settings: InputSettings) -> tuple[str, ...]:
    """Addresses of the folders, recordings, archives or the bucket of an input."""

    def address(path: str) -> str:
        if in_bucket(path):
            return path.rstrip("/")
        return file_uri(os.path.abspath(os.path.expanduser(path)))

    return tuple(dict.fromkeys(address(path) for path in (settings.path, *settings.more)))


def _each(settings: InputSettings) -> Iterator[CallSource]:
    """A source for each folder and archive, and one for all files of a folder that are named."""
    files: dict[str, list[str]] = {}
    for path in map(_readable, (settings.path, *settings.more)):
        if os.path.isdir(path) or _is_archive(path):
            yield _local(path, settings)
        else:
            files.setdefault(os.path.dirname(path), []).append(path)
    if files:
        from pipeline.sources.folder import NamedFilesSource

        yield from (NamedFilesSource(list(dict.fromkeys(paths)), settings) for paths in files.values())


def _readable(path: str) -> str:
    """The absolute path. Raises InputUnavailable."""
    path = os.path.abspath(os.path.expanduser(path))
    if not os.path.exists(path):
        raise InputUnavailable(f"{path}: no such file or folder; set input.path or give --input")
    if not os.access(path, os.R_OK):
        raise InputUnavailable(f"{path}: not readable by this user; check its permissions or set input.path")
    return path


def _is_archive(path: str) -> bool:
    return path.lower().endswith(".zip")


def _local(path: str, settings: InputSettings) -> CallSource:
    if os.path.isdir(path):
        from pipeline.sources.folder import FolderSource

        return FolderSource(path, settings)
    if _is_archive(path):
        from pipeline.sources.archive import ArchiveSource

        return ArchiveSource(path, settings)
    from pipeline.sources.folder import NamedFilesSource

    return NamedFilesSource([path], settings)
