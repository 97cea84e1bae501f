"""Recordings in a .zip delivery. Members are streamed out one at a time, into files named by us."""

from __future__ import annotations

import io
import lzma
import os
import stat
import struct
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO
from zoneinfo import ZoneInfo

from pipeline.config.areas.sources import InputSettings
from pipeline.disk import spooling, write_spooled
from pipeline.errors import AudioUndecodable, InputUnavailable, SourceUnreadable, UnsafePath
from pipeline.plurals import counted
from pipeline.records import FoundCall, SkippedFile
from pipeline.sources.addresses import shown, zip_parts
from pipeline.sources.deliveries import Delivery, LocalDelivery
from pipeline.sources.metadata.exports import MAX_BYTES
from pipeline.sources.metadata.reader import MetadataReader
from pipeline.sources.metadata.sidecar import Sidecars
from pipeline.sources.pairs import Pairing
from pipeline.sources.selection import Selection, Verdict

_BLOCK = 1024 * 1024
_BOMB_FROM_BYTES = 10 * 1024 * 1024
_ENCRYPTED = 0x1
_SUPPORTED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    IndexError,
    OverflowError,
    MemoryError,
)
"""What `zipfile` and its decompressors raise over damaged or forged bytes."""


class ArchiveReader:
    """Lists and unpacks .zip deliveries."""

    def __init__(self, settings: InputSettings, selection: Selection, metadata: MetadataReader) -> None:
        self._settings = settings
        self._limits = settings.archive
        self._selection = selection
        self._metadata = metadata
        self._zone = ZoneInfo(settings.timezone)
        self._lock = threading.Lock()
        self._open: tuple[tuple[object, ...], zipfile.ZipFile] | None = None
        """The archive used last: reading its directory again for each of its members would take hours."""

    def members(self, archive: Delivery, sidecars: Sidecars, below: str = "") -> Iterator[FoundCall | SkippedFile]:
        """What an archive offers; `below` is prefixed to member names for globs and patterns."""
        try:
            with archive.open() as opened:
                yield from self._list(archive, opened, sidecars, below)
        except _BROKEN as error:
            yield _about_archive(archive, f"not a readable .zip ({error}); deliver it again")
        except OSError as error:
            yield _about_archive(archive, f"cannot be read: {error.strerror or error}", "unreadable_archive")
        except SourceUnreadable as error:
            yield _about_archive(archive, f"cannot be read now: {error}", "unreadable_archive")

    @contextmanager
    def fetch(self, archive: Delivery, member: str, spool: Path) -> Iterator[Path]:
        """See CallSource."""
        with spooling(spool):
            spool.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(prefix="member-", suffix=_suffix(member), dir=spool)
        unpacked = Path(name)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                self._unpack(archive, member, lambda block: write_spooled(file, block, spool))
            yield unpacked
        finally:
            unpacked.unlink(missing_ok=True)

    def beginning(self, archive: Delivery, member: str, size_bytes: int) -> bytes:
        """The first bytes of a member. Raises SourceUnreadable, UnsafePath, AudioUndecodable."""
        first = io.BytesIO()

        class Enough(Exception):
            pass

        def write(block: bytes) -> None:
            first.write(block)
            if first.tell() >= size_bytes:
                raise Enough

        with suppress(Enough):
            self._unpack(archive, member, write)
        return first.getvalue()[:size_bytes]

    def _list(
        self, where: Delivery, archive: zipfile.ZipFile, sidecars: Sidecars, below: str
    ) -> Iterator[FoundCall | SkippedFile]:
        infos = archive.infolist()
        if len(infos) > self._limits.max_members:
            message = f"{len(infos)} members; input.archive.max_members is {self._limits.max_members}"
            yield _about_archive(where, message)
            return
        yield from self._load_sidecars(where, archive, sidecars)
        for index, info in enumerate(infos):
            if info.is_dir() or sidecars.is_sidecar(info.filename):
                continue
            verdict = self._verdict(archive, info, below)
            if verdict:
                sidecars.met(info.filename)
                # A second member of the same name needs an address of its own.
                suffix = f"#{index}" if verdict[0] == "duplicate_member" else ""
                yield SkippedFile(
                    source_uri=where.uri(info.filename) + suffix,
                    file_name=shown(_base_name(info.filename)),
                    size_bytes=info.file_size,
                    modified_at=self._modified_at(info),
                    reason=verdict[0],
                    message=verdict[1],
                    etag=_etag(info),
                )
                continue
            name = _base_name(info.filename)
            from_name = self._metadata.from_name(name, below + info.filename)
            yield FoundCall(
                source_uri=where.uri(info.filename),
                file_name=shown(name),
                size_bytes=info.file_size,
                modified_at=self._modified_at(info),
                etag=_etag(info),
                metadata=sidecars.applied(info.filename, from_name),
            )
        yield from sidecars.unmatched()

    def _verdict(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, below: str) -> Verdict | None:
        if is_unsafe(info):
            return "unsafe_path", "the member's name would leave its folder, or it is a link; it is not unpacked"
        name = _base_name(info.filename)
        verdict = self._selection.by_name(name, below + info.filename)
        if verdict:
            if name.lower().endswith(".zip") and verdict[0] == "other_type":
                return "nested_archive", "an archive in an archive is not opened; deliver it on its own"
            return verdict
        if archive.NameToInfo.get(info.filename) is not info:
            return "duplicate_member", "a later member of the same name replaces it"
        if info.flag_bits & _ENCRYPTED:
            return "encrypted", "the member is encrypted; deliver it without a password"
        if info.compress_type not in _SUPPORTED:
            return "unsupported_compression", f"zip compression method {info.compress_type} is not supported"
        return self._selection.by_size(info.file_size) or self._bomb(info)

    def _bomb(self, info: zipfile.ZipInfo) -> Verdict | None:
        if info.file_size > self._limits.max_member_mb * 2**20:
            return "too_large", f"unpacks to {counted(info.file_size, 'byte')}; input.archive.max_member_mb limits that"
        if info.file_size > _BOMB_FROM_BYTES and info.file_size > self._limits.max_ratio * max(1, info.compress_size):
            return (
                "archive_bomb",
                f"unpacks to {counted(info.file_size, 'byte')} from {info.compress_size}; see input.archive.max_ratio",
            )
        return None

    def _load_sidecars(self, where: Delivery, archive: zipfile.ZipFile, sidecars: Sidecars) -> Iterator[SkippedFile]:
        if self._settings.sidecar.path is not None:
            return
        folders: dict[str, dict[str, zipfile.ZipInfo]] = {}
        for info in archive.infolist():
            name = _base_name(info.filename)
            if not is_unsafe(info) and not info.flag_bits & _ENCRYPTED:
                folders.setdefault(info.filename[: len(info.filename) - len(name)], {})[name] = info
        for folder, infos in folders.items():
            for name, recording in sidecars.among(infos).items():
                info = infos[name]
                small = self._bomb(info) is None and info.file_size <= MAX_BYTES
                content = archive.read(info) if small else None
                uri = where.uri(info.filename)
                yield from sidecars.load_content(content, uri, folder, info.filename, recording)

    def _modified_at(self, info: zipfile.ZipInfo) -> datetime | None:
        """Zip times are wall-clock times without a zone (APPNOTE 4.4.6): taken in `input.timezone`."""
        try:
            return datetime(*info.date_time, tzinfo=self._zone).astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    def _unpack(self, archive: Delivery, member: str, write: Callable[[bytes], object]) -> None:
        where = f"{archive.address}!/{member}"
        try:
            with self._member(archive, member, where) as packed:
                while block := packed.read(_BLOCK):
                    write(block)
        except SourceUnreadable as error:
            raise SourceUnreadable(f"{where}: {error}") from None
        except KeyError:
            raise SourceUnreadable(f"{where}: no longer in the archive; it is tried again in the next run") from None
        except _BROKEN as error:
            raise AudioUndecodable(f"{where}: cannot be unpacked: {error}; deliver it again") from None
        except OSError as error:
            if error.errno is None:  # bz2 raises this for damaged bytes
                raise AudioUndecodable(f"{where}: cannot be unpacked: {error}; deliver it again") from None
            raise SourceUnreadable(f"{where}: cannot be read now: {error.strerror or error}") from None

    def _member(self, delivery: Delivery, member: str, where: str) -> AbstractContextManager[IO[bytes]]:
        """The member's bytes. Never more than its declared size comes out (`zipfile` stops there)."""
        with self._lock:
            archive = self._opened(delivery)
            info = archive.getinfo(member)
            if is_unsafe(info):
                raise UnsafePath(f"{where}: the member's name would leave its folder; it is not unpacked")
            bomb = self._bomb(info)
            if bomb:
                raise UnsafePath(f"{where}: {bomb[1]}; it is not unpacked")
            return archive.open(info)

    def _opened(self, archive: Delivery) -> zipfile.ZipFile:
        key = archive.identity()
        if self._open is None or self._open[0] != key:
            fresh = archive.open()
            if self._open is not None:
                self._open[1].close()  # members still being read keep the file itself open
            self._open = (key, fresh)
        return self._open[1]


class ArchiveSource:
    """One .zip as the whole input."""

    def __init__(self, path: str, settings: InputSettings) -> None:
        self._path = path
        self._settings = settings
        self._metadata = MetadataReader(settings)
        self._reader = ArchiveReader(settings, Selection(settings), self._metadata)

    def discover(self) -> Iterator[FoundCall | SkippedFile]:
        """See CallSource."""
        return Pairing(self._settings.pairs).joined(self._found())

    def _found(self) -> Iterator[FoundCall | SkippedFile]:
        if not zipfile.is_zipfile(self._path):
            raise InputUnavailable(f"{self._path}: not a .zip archive, or not complete; deliver it again")
        sidecars = Sidecars(self._settings, self._metadata)
        yield from sidecars.load_whole()
        yield from self._reader.members(LocalDelivery(self._path), sidecars)

    @contextmanager
    def fetch(self, call: FoundCall, spool: Path) -> Iterator[Path]:
        """See CallSource."""
        path, member = zip_parts(call.source_uri)
        with self._reader.fetch(LocalDelivery(str(path)), member, spool) as path:
            yield path


def is_unsafe(info: zipfile.ZipInfo) -> bool:
    """Whether unpacking under this name could write outside its folder (absolute, drive, `..`), or it is a link."""
    name = info.filename.replace("\\", "/")
    if stat.S_ISLNK(info.external_attr >> 16):
        return True
    return name.startswith("/") or "\0" in name or name[1:2] == ":" or ".." in PurePosixPath(name).parts


def _etag(info: zipfile.ZipInfo) -> str:
    return f"crc32:{info.CRC:08x}"


def _base_name(member: str) -> str:
    return member.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _suffix(member: str) -> str:
    """Only a short, plain suffix is kept from an outside name."""
    suffix = PurePosixPath(_base_name(member)).suffix
    return suffix if suffix[1:].isalnum() and suffix.isascii() and len(suffix) <= 6 else ""


def _about_archive(archive: Delivery, message: str, reason: str = "bad_archive") -> SkippedFile:
    return SkippedFile(
        source_uri=archive.address,
        file_name=shown(archive.name),
        size_bytes=archive.size_bytes(),
        modified_at=None,
        reason=reason,
        message=message,
    )
