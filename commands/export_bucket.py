"""`run.py export s3://bucket/prefix`: what an export writes, brought into a bucket."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipeline.config.areas.buckets import bucket_and_prefix, checked_bucket, in_bucket
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from pipeline.config.areas.buckets import S3Settings

_LAST = "index.html"
"""Its links are followed: what they name is in the bucket before it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an export writes, and what that is called."""

    to: Path
    address: str

    def shown(self, path: Path) -> str:
        """The address of a file, or folder, that was written: of one beside `to` as well."""
        if not in_bucket(self.address):
            return str(path)
        above = self.address.rpartition("/")[0]
        return f"{above}/{path.relative_to(self.to.parent).as_posix()}"


@contextmanager
def place_of(address: str, settings: S3Settings) -> Iterator[Place]:
    """A file or folder on this machine; what belongs into a bucket is written aside and brought there at the end.

    Objects of the same names are replaced. After an error nothing is brought.

    Raises ConfigurationError for an address that names no object, ServiceUnavailable where the bucket does not take it.
    """
    if "://" not in address:
        yield Place(Path(address), address)
        return
    address = _checked(address)
    with tempfile.TemporaryDirectory(prefix="earshot-export-") as aside:
        above, _, name = address.rpartition("/")
        yield Place(Path(aside) / name, address)
        _bring(Path(aside), above, settings)


def suffix_of(address: str) -> str:
    """Of a file's name, without the dot, in small letters."""
    return PurePosixPath(address).suffix.lstrip(".").lower()


def _checked(address: str) -> str:
    try:
        address = checked_bucket(address.rstrip("/"))
    except ValueError as error:
        raise ConfigurationError(f"{address}: {error}") from None
    if not bucket_and_prefix(address)[1]:
        raise ConfigurationError(f"{address}: names a bucket alone; write {address}/name")
    return address


def _bring(folder: Path, address: str, settings: S3Settings) -> None:
    from pipeline.objects.upload import Destination

    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    to = Destination(address, settings)
    for last in (False, True):
        chosen = {name: path for name, path in files.items() if (path.name == _LAST) is last}
        to.upload(chosen, replaceable=chosen)
