"""Stable addresses of recordings: `file:///…/a.wav`, `zip:///…/delivery.zip!/in/a.wav`, `s3://bucket/in/a.wav`,
`s3://bucket/delivery.zip!/in/a.wav`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote, quote_from_bytes, unquote, unquote_to_bytes

from pipeline.config.areas.buckets import bucket_and_prefix, in_bucket

_FILE = "file://"
_ZIP = "zip://"
_SAFE = "/-_.~ ()+,=@&"
"""Characters left unquoted, so that addresses stay readable; `!`, `#`, `%` and `?` are always quoted."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def file_uri(path: str) -> str:
    """Address of an absolute path; bytes that are not UTF-8 survive the round trip."""
    return _FILE + quote_from_bytes(os.fsencode(path), safe=_SAFE)


def file_path(uri: str) -> Path:
    """The path of a `file_uri`. Raises ValueError for another kind of address."""
    if not uri.startswith(_FILE):
        raise ValueError(f"{uri} is not the address of a local file")
    return Path(os.fsdecode(unquote_to_bytes(uri[len(_FILE) :])))


def zip_uri(archive: str, member: str) -> str:
    """Address of a member of the archive at an absolute path."""
    return f"{_ZIP}{quote_from_bytes(os.fsencode(archive), safe=_SAFE)}!/{quote(member, safe=_SAFE, errors='replace')}"


def zip_parts(uri: str) -> tuple[Path, str]:
    """Archive path and member name of a `zip_uri`. Raises ValueError for another kind of address."""
    archive, separator, member = uri.removeprefix(_ZIP).partition("!/")
    if not uri.startswith(_ZIP) or not separator:
        raise ValueError(f"{uri} is not the address of an archive member")
    return Path(os.fsdecode(unquote_to_bytes(archive))), unquote(member)


def object_uri(bucket: str, key: str, member: str | None = None) -> str:
    """Address of an object, or of a member of a .zip; `bucket` with its scheme."""
    inside = "" if member is None else f"!/{quote(member, safe=_SAFE, errors='replace')}"
    return f"{bucket}/{quote(key, safe=_SAFE, errors='replace')}{inside}"


def object_parts(uri: str) -> tuple[str, str, str | None]:
    """Bucket with its scheme, key and member of an `object_uri`. Raises ValueError for another kind of address."""
    address, separator, member = uri.partition("!/")
    bucket, key = bucket_and_prefix(address)
    if not in_bucket(uri) or not key:
        raise ValueError(f"{uri} is not the address of an object in a bucket")
    return bucket, unquote(key), unquote(member) if separator else None


def shown(name: str) -> str:
    """A text from outside, safe for a database row or a JSON file: what is not UTF-8 becomes U+FFFD."""
    if name.isascii():
        return name
    try:
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:  # half of a surrogate pair, as JSON may hold
        return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", name)
