"""Recordings in a local folder, .zip deliveries in it included."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pipeline.config.areas.sources import InputSettings
from pipeline.errors import InputUnavailable, SourceUnreadable
from pipeline.records import FoundCall, SkippedFile
from pipeline.sources.addresses import file_path, file_uri, shown, zip_parts
from pipeline.sources.archive import ArchiveReader
from pipeline.sources.deliveries import LocalDelivery
from pipeline.sources.metadata.reader import MetadataReader
from pipeline.sources.metadata.sidecar import Sidecars
from pipeline.sources.metadata.times import moment_of
from pipeline.sources.pairs import Pairing
from pipeline.sources.selection import Selection, Verdict


@dataclass(frozen=True, slots=True)
class _Seen:
    """The state of a file at one look."""

    path: str
    relative: str
    size_bytes: int
    modified_ns: int

    @property
    def name(self) -> str:
        return os.path.basename(self.path)

    @property
    def modified_at(self) -> datetime | None:
        return moment_of(self.modified_ns / 1e9)


class FolderSource:
    """A folder, walked in the order of its names. Memory holds one folder's names, the files that are still young and
    those that are one side of a call.

    Args:
        root: absolute path.
        now: seconds since 1970. Tests give it and `sleep`, which waits some seconds.
    """

    _waits = True
    """Whether a file may wait for the other side of its call."""

    def __init__(
        self,
        root: str,
        settings: InputSettings,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._root = root
        self._settings = settings
        self._now = now
        self._sleep = sleep
        self._selection = Selection(settings)
        self._metadata = MetadataReader(settings)
        self._sidecars = Sidecars(settings, self._metadata)
        self._archives = ArchiveReader(settings, self._selection, self._metadata)
        self._pairing = Pairing(settings.pairs, waits=self._waits, now=now)

    def discover(self) -> Iterator[FoundCall | SkippedFile]:
        """See CallSource. Files younger than `min_age_s` come after a second look; calls in two files come last."""
        return self._pairing.joined(self._found())

    def _found(self) -> Iterator[FoundCall | SkippedFile]:
        yield from self._sidecars.load_whole()
        young: list[_Seen] = []
        first_look = self._now()
        for item in self._walk():
            if isinstance(item, SkippedFile):
                yield item
            elif self._now() - item.modified_ns / 1e9 < self._settings.min_age_s:
                young.append(item)
            else:
                yield from self._offer(item)
        yield from self._second_look(young, first_look)
        yield from self._unmatched()

    def _unmatched(self) -> Iterator[SkippedFile]:
        return self._sidecars.unmatched()

    @contextmanager
    def fetch(self, call: FoundCall, spool: Path) -> Iterator[Path]:
        """See CallSource. A local file is used where it lies."""
        if call.source_uri.startswith("zip://"):
            archive, member = zip_parts(call.source_uri)
            with self._archives.fetch(LocalDelivery(str(archive)), member, spool) as path:
                yield path
            return
        path = file_path(call.source_uri)
        check_readable(path)
        yield path

    def _walk(self) -> Iterator[_Seen | SkippedFile]:
        root_stat = os.stat(self._root)
        entered = {(root_stat.st_dev, root_stat.st_ino)}
        folders = [(self._root, "")]
        while folders:
            folder, below = folders.pop()
            try:
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                if folder == self._root:
                    raise InputUnavailable(f"{folder}: cannot be listed: {error.strerror}; set input.path") from None
                yield _skipped(folder, None, ("unreadable_folder", f"cannot be listed: {error.strerror}"))
                continue
            yield from self._sidecars.load_folder(folder, below, [entry.name for entry in entries])
            inner: list[tuple[str, str]] = []
            for entry in entries:
                yield from self._look_at(entry, below, inner, entered)
            folders.extend(reversed(inner))

    def _look_at(
        self, entry: os.DirEntry[str], below: str, inner: list[tuple[str, str]], entered: set[tuple[int, int]]
    ) -> Iterator[_Seen | SkippedFile]:
        """Yields the file, or why it is skipped; a folder to enter is added to `inner`."""
        try:
            if entry.is_symlink() and not self._settings.follow_links:
                yield _skipped(entry.path, None, ("link", "a symbolic link; set input.follow_links to follow it"))
                return
            found = entry.stat()
        except FileNotFoundError:
            if entry.is_symlink():
                yield _skipped(entry.path, None, ("dangling_link", "a symbolic link to nothing"))
            return  # otherwise it is gone since it was listed: treat it as never there
        except OSError as error:
            yield _skipped(entry.path, None, ("unreadable", f"cannot be examined: {error.strerror}"))
            return
        if stat.S_ISDIR(found.st_mode):
            yield from self._look_at_folder(entry, found, below, inner, entered)
        elif not stat.S_ISREG(found.st_mode):
            yield _skipped(entry.path, found, ("not_a_file", "a pipe, socket or device"))
        elif not self._sidecars.is_sidecar(entry.path):
            yield _Seen(entry.path, below + entry.name, found.st_size, found.st_mtime_ns)

    def _look_at_folder(
        self,
        entry: os.DirEntry[str],
        found: os.stat_result,
        below: str,
        inner: list[tuple[str, str]],
        entered: set[tuple[int, int]],
    ) -> Iterator[SkippedFile]:
        if not self._settings.recursive:
            return
        if self._selection.hidden(entry.name):
            yield _skipped(entry.path, None, ("hidden_folder", "its name begins with a dot; see input.include_hidden"))
            return
        inode = (found.st_dev, found.st_ino)
        if inode in entered:
            yield _skipped(entry.path, None, ("linked_twice", "this folder was already read under another name"))
            return
        entered.add(inode)
        inner.append((entry.path, f"{below}{entry.name}/"))

    def _second_look(self, young: list[_Seen], first_look: float) -> Iterator[FoundCall | SkippedFile]:
        if young:
            self._sleep(max(0.0, first_look + self._settings.look_again_s - self._now()))
        for seen in young:
            try:
                found = os.stat(seen.path)
            except OSError:
                continue
            if (found.st_size, found.st_mtime_ns) == (seen.size_bytes, seen.modified_ns):
                yield from self._offer(seen)
                continue
            self._sidecars.met(seen.relative)
            message = "still being written: it changed between two looks; left for the next run"
            yield _skipped(seen.path, found, ("still_growing", message), waiting=True)

    def _offer(self, seen: _Seen) -> Iterator[FoundCall | SkippedFile]:
        name, modified_at = seen.name, seen.modified_at
        archive = self._selection.is_archive(name)
        by_name = self._selection.of_archive if archive else self._selection.by_name
        verdict = by_name(name, seen.relative) or (None if archive else self._selection.by_size(seen.size_bytes))
        if verdict:
            self._sidecars.met(seen.relative)
            yield SkippedFile(
                source_uri=file_uri(seen.path),
                file_name=shown(name),
                size_bytes=seen.size_bytes,
                modified_at=modified_at,
                reason=verdict[0],
                message=verdict[1],
            )
            return
        if archive:
            yield from self._archives.members(
                LocalDelivery(seen.path), self._sidecars.of_archive(), below=f"{seen.relative}/"
            )
            return
        from_name = self._metadata.from_name(name, seen.relative)
        etag = None
        if modified_at is None:
            # The time fits no calendar: the file system's own number shows changes.
            etag = f"mtime:{seen.modified_ns}"
            from_name = replace(from_name, extra={**from_name.extra, "file_time_unreadable": str(seen.modified_ns)})
        yield FoundCall(
            source_uri=file_uri(seen.path),
            file_name=shown(name),
            size_bytes=seen.size_bytes,
            modified_at=modified_at,
            etag=etag,
            metadata=self._sidecars.applied(seen.relative, from_name),
        )


class NamedFilesSource(FolderSource):
    """Recordings of one folder named on purpose: their sizes are checked, their names and suffixes are not.

    Where one is a side of a call, the other side beside it belongs to it.
    """

    _waits = False

    def __init__(
        self,
        paths: Sequence[str],
        settings: InputSettings,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        lenient = settings.model_copy(
            update={"extensions": ("*",), "include": (), "exclude": (), "include_hidden": True, "archives": False}
        )
        super().__init__(os.path.dirname(paths[0]), lenient, now, sleep)
        self._paths = paths
        self._unnamed = Selection(settings)
        """The rules for files that were not named."""

    def _walk(self) -> Iterator[_Seen | SkippedFile]:
        names = [os.path.basename(path) for path in self._paths]
        listed = os.listdir(self._root)
        beside = [name for name in listed if self._sidecars.may_be(name)]
        yield from self._sidecars.load_folder(self._root, "", [*names, *beside])
        for path, name in zip(self._paths, names, strict=True):
            found = os.stat(path)
            if not stat.S_ISREG(found.st_mode):
                raise InputUnavailable(f"{path}: neither a file nor a folder; set input.path")
            yield _Seen(path, name, found.st_size, found.st_mtime_ns)
        for name in sorted(self._pairing.other_sides(self._paths, listed) - set(names)):
            path = os.path.join(self._root, name)
            with contextlib.suppress(OSError):
                found = os.stat(path)
                if stat.S_ISREG(found.st_mode) and self._unnamed.by_name(name, name) is None:
                    yield _Seen(path, name, found.st_size, found.st_mtime_ns)

    def _unmatched(self) -> Iterator[SkippedFile]:
        return iter(())  # the rows of its neighbours


def check_readable(path: Path) -> None:
    """Raises SourceUnreadable when the file cannot be read now."""
    try:
        with path.open("rb") as file:
            file.read(1)
    except FileNotFoundError:
        raise SourceUnreadable(f"{path}: vanished since it was found; it is tried again in the next run") from None
    except OSError as error:
        raise SourceUnreadable(f"{path}: cannot be read now: {error.strerror}; check its permissions") from None


def _skipped(path: str, found: os.stat_result | None, verdict: Verdict, *, waiting: bool = False) -> SkippedFile:
    return SkippedFile(
        source_uri=file_uri(path),
        file_name=shown(os.path.basename(path)),
        size_bytes=found.st_size if found else 0,
        modified_at=moment_of(found.st_mtime) if found else None,
        reason=verdict[0],
        message=verdict[1],
        waiting=waiting,
    )
