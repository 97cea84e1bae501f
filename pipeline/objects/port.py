"""Objects in buckets, whoever keeps them: the Protocol of a store, what it knows of an object, how it refuses."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pipeline.errors import ServiceUnavailable, SourceUnreadable

BLOCK = 1024 * 1024


class ObjectGone(SourceUnreadable):
    """There is no object of this key (any more)."""


class ObjectChanged(SourceUnreadable):
    """Another object lies under this key now."""


class StoreRefused(ServiceUnavailable):
    """The store said no, or was not to be reached: another try at once would end the same way."""


class ConnectionBroke(ServiceUnavailable):
    """What arrived is not all: worth another try at once."""


class RangesIgnored(StoreRefused):
    """Asked for a part of an object, the store sends the whole."""


class ObjectExists(StoreRefused):
    """Another object of this key is there, and was not to be replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """One object as the store lists it."""

    key: str
    size_bytes: int
    modified_at: datetime
    """UTC."""
    etag: str | None
    storage_class: str = "STANDARD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Some bytes of one version of an object."""

    key: str
    etag: str | None
    """None: of whichever version is there."""
    first: int
    length: int
    size_bytes: int
    """Of the whole object, as it was listed."""

    @property
    def whole(self) -> bool:
        return self.first == 0 and self.length == self.size_bytes


class ObjectStore(Protocol):
    """One bucket. Safe between threads."""

    def listed(self, prefix: str, after: str = "") -> Iterator[StoredObject]:
        """Objects whose keys begin with `prefix` and sort after `after`, in the order of their keys.

        Raises StoreRefused.
        """
        ...

    def look(self, key: str) -> StoredObject:
        """One object. Raises ObjectGone, StoreRefused."""
        ...

    def blocks(self, span: Span, deadline: float | None = None) -> Generator[bytes, None, None]:
        """The bytes, in blocks of about a megabyte; close the iterator to end early.

        Args:
            deadline: by `time.monotonic`; TimeoutError after it.

        Raises ObjectGone, ObjectChanged, StoreRefused, RangesIgnored, ConnectionBroke (also when fewer bytes come).
        """
        ...

    def put(self, key: str, path: Path, sha256: str, *, replace: bool) -> None:
        """Store a file whole or not at all, and ask the store what it has then.

        Args:
            sha256: of the content, in hexadecimal digits; kept with the object.
            replace: whether another object of this key may go; one with the same content is left as it is.

        Raises ObjectExists, StoreRefused.
        """
        ...

    def delete(self, key: str) -> None:
        """The object, if it is there. Raises StoreRefused."""
        ...
