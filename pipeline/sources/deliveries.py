"""Where a .zip delivery lies, as the reader of archives sees it."""

from __future__ import annotations

import os
import zipfile
from typing import Protocol

from pipeline.sources.addresses import file_uri, zip_uri


class Delivery(Protocol):
    """A .zip, wherever it lies."""

    @property
    def address(self) -> str:
        """Of the archive itself."""
        ...

    @property
    def name(self) -> str: ...

    def uri(self, member: str) -> str:
        """Address of a member."""
        ...

    def identity(self) -> tuple[object, ...]:
        """Another one when the archive is another. Raises OSError, SourceUnreadable."""
        ...

    def size_bytes(self) -> int:
        """0 where that cannot be told."""
        ...

    def open(self) -> zipfile.ZipFile:
        """Raises OSError, SourceUnreadable, and what `zipfile` raises over damaged bytes."""
        ...


class LocalDelivery:
    """A .zip on this machine, at an absolute path."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.address = file_uri(path)
        self.name = os.path.basename(path)

    def uri(self, member: str) -> str:
        return zip_uri(self._path, member)

    def identity(self) -> tuple[object, ...]:
        found = os.stat(self._path)
        return self._path, found.st_size, found.st_mtime_ns

    def size_bytes(self) -> int:
        return os.path.getsize(self._path) if os.path.exists(self._path) else 0

    def open(self) -> zipfile.ZipFile:
        return zipfile.ZipFile(self._path)
