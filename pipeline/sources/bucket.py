"""Recordings in a bucket. Object keys are never used as local paths."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath

from pipeline.config.areas.buckets import bucket_and_prefix
from pipeline.config.areas.sources import InputSettings
from pipeline.disk import spooling
from pipeline.errors import EarshotError, InputUnavailable, SourceUnreadable
from pipeline.objects.choice import open_store
from pipeline.objects.download import Downloads
from pipeline.objects.port import Span, StoredObject, StoreRefused
from pipeline.records import FoundCall, SkippedFile
from pipeline.sources.addresses import object_parts, object_uri, shown
from pipeline.sources.metadata.reader import MetadataReader
from pipeline.sources.metadata.sidecar import Sidecars
from pipeline.sources.pairs import Pairing
from pipeline.sources.selection import Selection, Verdict

_NOT_AT_HAND = frozenset({"GLACIER", "DEEP_ARCHIVE"})


class BucketSource:
    """A bucket, or what lies under a prefix in it."""

    def __init__(self, settings: InputSettings) -> None:
        self._bucket, self._prefix = bucket_and_prefix(settings.path)
        self._settings = settings
        self._selection = Selection(settings)
        self._metadata = MetadataReader(settings)
        self._store = open_store(self._bucket, settings.s3)
        self._downloads = Downloads(self._store, settings.s3)

    def discover(self) -> Iterator[FoundCall | SkippedFile]:
        """See CallSource. Objects appear in a bucket whole, so there is no second look."""
        return Pairing(self._settings.pairs).joined(self._found())

    def _found(self) -> Iterator[FoundCall | SkippedFile]:
        sidecars = Sidecars(self._settings, self._metadata)
        yield from sidecars.load_whole()
        try:
            for entry in self._store.listed(self._prefix):
                item = self._look_at(entry, sidecars)
                if item:
                    yield item
            yield from sidecars.unmatched()
        except StoreRefused as error:
            raise InputUnavailable(
                f"{self._bucket}/{self._prefix}: cannot be listed: {error}; check input.path, input.s3, the "
                "credentials in the environment, and s3:ListBucket"
            ) from None

    @contextmanager
    def fetch(self, call: FoundCall, spool: Path) -> Iterator[Path]:
        """See CallSource. Asks for exactly the version that was listed."""
        _, key, _ = object_parts(call.source_uri)
        with spooling(spool):
            spool.mkdir(parents=True, exist_ok=True)
            opened = tempfile.NamedTemporaryFile(prefix="object-", suffix=_suffix(key), dir=spool)  # noqa: SIM115 - closed below
        with opened as file:
            path = Path(file.name)
            self._downloads.bring(_whole(key, call), call.source_uri, path)
            yield path

    def beginning(self, call: FoundCall, size_bytes: int) -> bytes:
        """The first bytes of a recording, by one ranged request. Raises SourceUnreadable."""
        _, key, _ = object_parts(call.source_uri)
        wanted = Span(key=key, etag=None, first=0, length=size_bytes, size_bytes=call.size_bytes)
        try:
            with closing(self._store.blocks(wanted)) as blocks:
                return b"".join(blocks)
        except EarshotError as error:
            raise SourceUnreadable(f"{call.source_uri}: its beginning cannot be read: {error}") from None

    def _look_at(self, entry: StoredObject, sidecars: Sidecars) -> FoundCall | SkippedFile | None:
        key = entry.key
        if key.endswith("/") or not self._is_below(key):
            return None
        relative = key.removeprefix(self._prefix).lstrip("/") or key.rpartition("/")[2]
        name = relative.rpartition("/")[2]
        verdict = self._verdict(name, relative, entry)
        if verdict:
            sidecars.met(relative)
            return SkippedFile(
                source_uri=object_uri(self._bucket, key),
                file_name=shown(name),
                size_bytes=entry.size_bytes,
                modified_at=entry.modified_at,
                reason=verdict[0],
                message=verdict[1],
                etag=entry.etag,
            )
        return FoundCall(
            source_uri=object_uri(self._bucket, key),
            file_name=shown(name),
            size_bytes=entry.size_bytes,
            modified_at=entry.modified_at,
            etag=entry.etag,
            metadata=sidecars.applied(relative, self._metadata.from_name(name, relative)),
        )

    def _is_below(self, key: str) -> bool:
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
        if self._selection.is_archive(name):
            return "archive_in_bucket", "a .zip in a bucket is not opened; download it and give its path, or unpack it"
        if entry.storage_class in _NOT_AT_HAND:
            return "archived", f"its storage class is {entry.storage_class}; restore it first"
        return self._selection.by_name(name, relative) or self._selection.by_size(entry.size_bytes)


def _whole(key: str, call: FoundCall) -> Span:
    return Span(key=key, etag=call.etag, first=0, length=call.size_bytes, size_bytes=call.size_bytes)


def _suffix(key: str) -> str:
    """Only a short, plain suffix is kept from an outside name."""
    suffix = PurePosixPath(key).suffix
    return suffix if suffix[1:].isalnum() and suffix.isascii() and len(suffix) <= 6 else ""
