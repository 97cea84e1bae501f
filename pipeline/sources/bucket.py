"""Recordings in a bucket. Object keys are never used as local paths."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, cast

from pipeline.config.areas.buckets import bucket_and_prefix
from pipeline.config.areas.sources import InputSettings
from pipeline.disk import spooling
from pipeline.errors import EarshotError, InputUnavailable, SourceUnreadable
from pipeline.objects.choice import open_store
from pipeline.objects.download import Downloads
from pipeline.objects.port import ObjectStore, Span, StoredObject, StoreRefused
from pipeline.objects.ranged import RangedFile
from pipeline.records import FoundCall, SkippedFile
from pipeline.sources.addresses import object_parts, object_uri, shown
from pipeline.sources.archive import ArchiveReader
from pipeline.sources.metadata.reader import MetadataReader
from pipeline.sources.metadata.sidecar import Sidecars
from pipeline.sources.pairs import Pairing
from pipeline.sources.selection import Selection, Verdict

_NOT_AT_HAND = frozenset({"GLACIER", "DEEP_ARCHIVE"})


class StoredDelivery:
    """A .zip in a bucket. What an archive is now is asked once, and again after it changed."""

    def __init__(self, store: ObjectStore, bucket: str, key: str, held: StoredObject | None, attempts: int) -> None:
        self._store = store
        self._bucket = bucket
        self._key = key
        self._held = held
        self._attempts = attempts
        self.address = object_uri(bucket, key)
        self.name = key.rpartition("/")[2]

    def uri(self, member: str) -> str:
        return object_uri(self._bucket, self._key, member)

    def identity(self) -> tuple[object, ...]:
        try:
            self._held = self._held or self._store.look(self._key)
        except StoreRefused as error:
            raise SourceUnreadable(str(error)) from None
        return self._key, self._held.etag, self._held.size_bytes

    def size_bytes(self) -> int:
        return self._held.size_bytes if self._held else 0

    def open(self) -> zipfile.ZipFile:
        self.identity()
        assert self._held is not None
        return zipfile.ZipFile(cast("IO[bytes]", RangedFile(self._store, self._held, self._attempts)))


class BucketSource:
    """A bucket, or what lies under a prefix in it."""

    def __init__(self, settings: InputSettings, since: str = "") -> None:
        """`since`: only keys are listed that do not sort before this below the prefix; empty for all."""
        self._since = since
        self._bucket, self._prefix = bucket_and_prefix(settings.path)
        self._settings = settings
        self._selection = Selection(settings)
        self._metadata = MetadataReader(settings)
        try:
            self._store = open_store(self._bucket, settings.s3)
        except StoreRefused as error:
            raise InputUnavailable(f"{settings.path}: {error}") from None
        self._downloads = Downloads(self._store, settings.s3)
        self._archives = ArchiveReader(settings, self._selection, self._metadata)
        self._deliveries: dict[str, StoredDelivery] = {}

    def discover(self) -> Iterator[FoundCall | SkippedFile]:
        """See CallSource. Objects appear in a bucket whole, so there is no second look."""
        return Pairing(self._settings.pairs).joined(self._found())

    def _found(self) -> Iterator[FoundCall | SkippedFile]:
        sidecars = Sidecars(self._settings, self._metadata)
        yield from sidecars.load_whole()
        try:
            for entry in self._store.listed(self._prefix, self._after()):
                yield from self._look_at(entry, sidecars)
            yield from sidecars.unmatched()
        except StoreRefused as error:
            raise InputUnavailable(
                f"{self._bucket}/{self._prefix}: cannot be listed: {error}; check input.path, input.s3, the "
                "credentials in the environment, and s3:ListBucket"
            ) from None

    def _after(self) -> str:
        """The key after which the listing begins: S3 leaves out the key itself, which is no object's in a dated key."""
        if not self._since:
            return ""
        below = f"{self._prefix}/" if self._prefix and not self._prefix.endswith("/") else self._prefix
        return f"{below}{self._since}"

    @contextmanager
    def fetch(self, call: FoundCall, spool: Path) -> Iterator[Path]:
        """See CallSource. Asks for exactly the version that was listed."""
        _, key, member = object_parts(call.source_uri)
        if member is not None:
            with self._member(key, member, spool) as path:
                yield path
            return
        with spooling(spool):
            spool.mkdir(parents=True, exist_ok=True)
            opened = tempfile.NamedTemporaryFile(prefix="object-", suffix=_suffix(key), dir=spool)  # noqa: SIM115 - closed below
        with opened as file:
            path = Path(file.name)
            self._downloads.bring(_whole(key, call), call.source_uri, path)
            yield path

    def look_at(self, key: str, sidecars: Sidecars) -> Iterator[FoundCall | SkippedFile]:
        """What one object offers. Raises ObjectGone, StoreRefused."""
        return self._look_at(self._store.look(key), sidecars)

    def beginning(self, call: FoundCall, size_bytes: int) -> bytes:
        """The first bytes of a recording, by one ranged request. Raises SourceUnreadable."""
        _, key, member = object_parts(call.source_uri)
        if member is not None:
            return self._archives.beginning(self._delivery(key), member, size_bytes)
        wanted = Span(key=key, etag=None, first=0, length=size_bytes, size_bytes=call.size_bytes)
        try:
            with closing(self._store.blocks(wanted)) as blocks:
                return b"".join(blocks)
        except EarshotError as error:
            raise SourceUnreadable(f"{call.source_uri}: its beginning cannot be read: {error}") from None

    @contextmanager
    def _member(self, key: str, member: str, spool: Path) -> Iterator[Path]:
        delivery = self._delivery(key)
        try:
            with self._archives.fetch(delivery, member, spool) as path:
                yield path
        except SourceUnreadable:
            self._deliveries.pop(key, None)  # it may be another archive by now
            raise

    def _delivery(self, key: str, listed: StoredObject | None = None) -> StoredDelivery:
        delivery = self._deliveries.get(key)
        if delivery is None or listed is not None:
            delivery = StoredDelivery(self._store, self._bucket, key, listed, self._settings.s3.attempts)
            self._deliveries[key] = delivery
        return delivery

    def _look_at(self, entry: StoredObject, sidecars: Sidecars) -> Iterator[FoundCall | SkippedFile]:
        key = entry.key
        if key.endswith("/") or not self.is_below(key):
            return
        relative = key.removeprefix(self._prefix).lstrip("/") or key.rpartition("/")[2]
        name = relative.rpartition("/")[2]
        verdict = self._verdict(name, relative, entry)
        if verdict:
            sidecars.met(relative)
            yield SkippedFile(
                source_uri=object_uri(self._bucket, key),
                file_name=shown(name),
                size_bytes=entry.size_bytes,
                modified_at=entry.modified_at,
                reason=verdict[0],
                message=verdict[1],
                etag=entry.etag,
            )
            return
        if self._selection.is_archive(name):
            delivery = self._delivery(key, entry)
            yield from self._archives.members(delivery, sidecars.of_archive(), below=f"{relative}/")
            return
        yield FoundCall(
            source_uri=object_uri(self._bucket, key),
            file_name=shown(name),
            size_bytes=entry.size_bytes,
            modified_at=entry.modified_at,
            etag=entry.etag,
            metadata=sidecars.applied(relative, self._metadata.from_name(name, relative)),
        )

    def is_below(self, key: str) -> bool:
        """S3 matches prefixes by letters: `calls` would also match `calls-old/a.wav`."""
        prefix = self._prefix
        return not prefix or prefix.endswith("/") or key == prefix or key.startswith(f"{prefix}/")

    def _verdict(self, name: str, relative: str, entry: StoredObject) -> Verdict | None:
        if not self._settings.recursive and "/" in relative:
            return "not_included", "input.recursive is off"
        if ".." in relative.split("/"):
            return "unsafe_path", "its key names a folder above; objects of such names are not taken"
        if any(self._selection.hidden(part) for part in relative.split("/")[:-1]):
            return "hidden", "a folder name in its key begins with a dot; set input.include_hidden to take it"
        if entry.storage_class in _NOT_AT_HAND:
            return "archived", f"its storage class is {entry.storage_class}; restore it first"
        if self._selection.is_archive(name):
            return self._selection.of_archive(name, relative)
        return self._selection.by_name(name, relative) or self._selection.by_size(entry.size_bytes)


def _whole(key: str, call: FoundCall) -> Span:
    return Span(key=key, etag=call.etag, first=0, length=call.size_bytes, size_bytes=call.size_bytes)


def _suffix(key: str) -> str:
    """Only a short, plain suffix is kept from an outside name."""
    suffix = PurePosixPath(key).suffix
    return suffix if suffix[1:].isalnum() and suffix.isascii() and len(suffix) <= 6 else ""
