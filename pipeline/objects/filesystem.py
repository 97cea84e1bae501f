"""Buckets of Google Cloud Storage and Azure Blob, through fsspec's drivers (gcsfs, adlfs)."""

from __future__ import annotations

import hashlib
import importlib
import time
from collections.abc import Generator, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.config.areas.buckets import S3Settings
from pipeline.errors import EarshotError, described
from pipeline.objects.port import (
    BLOCK,
    ConnectionBroke,
    ObjectChanged,
    ObjectExists,
    ObjectGone,
    Span,
    StoredObject,
    StoreRefused,
)
from pipeline.objects.s3 import FIRST_WAIT_S, LONGEST_WAIT_S
from pipeline.retries import retrying

_TIMES = ("mtime", "last_modified", "LastModified", "updated", "created")
"""Where drivers say when an object was made."""
_TAGS = ("etag", "ETag", "generation")
_EXTRAS = {"gs": "gcs", "abfs": "abfs"}
_DRIVERS = {"gs": ("gcsfs.core", "GCSFileSystem"), "abfs": ("adlfs", "AzureBlobFileSystem")}
"""Of gcsfs the plain class. The one it registers asks Google's own address by gRPC what kind of bucket it has before it
does anything, whatever the endpoint, and waits for minutes where nothing answers."""


class FilesystemStore:
    """See ObjectStore. Drivers know no conditions, so the version is asked for after the bytes have come."""

    def __init__(self, bucket: str, filesystem: Any, attempts: int) -> None:
        """`filesystem`: of fsspec, without a cache of listings."""
        self._bucket = bucket
        self._files = filesystem
        self._attempts = attempts

    def listed(self, prefix: str, after: str = "") -> Iterator[StoredObject]:
        """See ObjectStore. `prefix` is a folder or an object. All are listed, and held, whatever `after` says."""
        try:
            found: Mapping[str, Mapping[str, Any]] = self._files.find(self._path(prefix).rstrip("/"), detail=True)
            if not found:
                self._files.info(self._bucket)  # some drivers list nothing where there is no such bucket
            objects = [self._stored(about) for about in found.values() if about.get("type", "file") == "file"]
        except FileNotFoundError:
            raise StoreRefused("there is no such bucket or prefix") from None
        except Exception as error:  # noqa: BLE001 - each driver has its own errors
            raise StoreRefused(described(error)) from None
        yield from (item for item in sorted(objects, key=lambda item: item.key) if item.key > after)

    def look(self, key: str) -> StoredObject:
        """See ObjectStore."""
        try:
            return self._stored(self._files.info(self._path(key)))
        except FileNotFoundError:
            raise ObjectGone("vanished since it was found; it is tried again in the next run") from None
        except Exception as error:  # noqa: BLE001 - each driver has its own errors
            raise StoreRefused(f"{key}: {described(error)}") from None

    def blocks(self, span: Span, deadline: float | None = None) -> Generator[bytes, None, None]:
        """See ObjectStore."""
        end = span.first + span.length
        for first in range(span.first, end, BLOCK):
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError
            yield self._piece(span, first, min(first + BLOCK, end))
        now = self.look(span.key)
        if now.size_bytes != span.size_bytes or (span.etag and now.etag and now.etag != span.etag):
            raise ObjectChanged("changed since it was found; it is tried again in the next run")

    def put(self, key: str, path: Path, sha256: str, *, replace: bool) -> None:
        """See ObjectStore. The content is read back. Two that write the same name at once are not told apart."""
        again = retrying(
            lambda error: isinstance(error, ConnectionBroke),
            first_wait_s=FIRST_WAIT_S,
            longest_wait_s=LONGEST_WAIT_S,
            attempts=self._attempts,
        )
        try:
            there = None if replace else again(self._hash_of, key)
            if there is not None and there != sha256:
                raise ObjectExists(f"{key}: another object has this name; it is not replaced")
            if there is None:
                again(self._put_once, key, path, sha256)
        except ConnectionBroke as error:
            raise StoreRefused(str(error)) from None

    def delete(self, key: str) -> None:
        """See ObjectStore."""
        try:
            self._files.rm_file(self._path(key))
        except FileNotFoundError:
            return
        except Exception as error:  # noqa: BLE001 - each driver has its own errors
            raise StoreRefused(f"{key}: cannot be deleted: {described(error)}") from None

    def _put_once(self, key: str, path: Path, sha256: str) -> None:
        try:
            self._files.put_file(str(path), self._path(key))
        except PermissionError as error:
            raise StoreRefused(f"{key}: {described(error)}") from None
        except Exception as error:  # noqa: BLE001 - each driver has its own errors
            raise ConnectionBroke(f"{key}: {described(error)}") from None
        if self._hash_of(key) != sha256:
            raise ConnectionBroke(f"{key}: was taken, and is not there or has other content")

    def _hash_of(self, key: str) -> str | None:
        """None where there is no such object."""
        try:
            held = self.look(key)
        except ObjectGone:
            return None
        content = hashlib.sha256()
        whole = Span(key=key, etag=held.etag, first=0, length=held.size_bytes, size_bytes=held.size_bytes)
        try:
            for block in self.blocks(whole):
                content.update(block)
        except (ObjectGone, ObjectChanged) as error:
            raise ConnectionBroke(str(error)) from None
        return content.hexdigest()

    def _piece(self, span: Span, first: int, end: int) -> bytes:
        try:
            content: bytes = self._files.cat_file(self._path(span.key), start=first, end=end)
        except FileNotFoundError:
            raise ObjectGone("vanished since it was found; it is tried again in the next run") from None
        except PermissionError as error:
            raise StoreRefused(f"cannot be read: {described(error)}") from None
        except Exception as error:  # noqa: BLE001 - each driver has its own errors
            raise ConnectionBroke(described(error)) from None
        if len(content) > end - first:
            raise ObjectChanged("more arrives than was asked for; it is tried again later")
        if len(content) < end - first:
            raise ConnectionBroke(f"{end - first - len(content)} bytes of {end - first} did not come")
        return content

    def _path(self, key: str) -> str:
        return f"{self._bucket}/{key}"

    def _stored(self, about: Mapping[str, Any]) -> StoredObject:
        made = next((about[name] for name in _TIMES if about.get(name)), None)
        if isinstance(made, str):
            made = datetime.fromisoformat(made)
        if not isinstance(made, datetime):
            raise StoreRefused(f"{about['name']}: the store does not say when it was made")
        return StoredObject(
            key=str(about["name"]).removeprefix("/").removeprefix(f"{self._bucket}/"),
            size_bytes=int(about["size"]),
            modified_at=made.astimezone(UTC),
            etag=next((str(about[name]) for name in _TAGS if about.get(name)), None),
        )


def open_filesystem(scheme: str, settings: S3Settings) -> Any:
    """The driver of `gs` or `abfs`. Raises StoreRefused where it is not installed or has no credentials."""
    options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
    if scheme == "gs":
        options |= {"endpoint_url": settings.endpoint_url} if settings.endpoint_url else {}
        options |= {"token": "anon"} if settings.anonymous else {}
    elif settings.anonymous:
        options["anon"] = True
    module, name = _DRIVERS[scheme]
    try:
        return getattr(importlib.import_module(module), name)(**options)
    except ImportError as error:
        raise StoreRefused(
            f"{scheme}://: its driver is not installed ({error}); pip install 'earshot[{_EXTRAS[scheme]}]'"
        ) from None
    except EarshotError:
        raise
    except Exception as error:  # noqa: BLE001 - each driver has its own errors
        raise StoreRefused(f"{scheme}://: {described(error)}") from None
