"""Stable addresses of recordings: `file:///…/a.wav`, `zip:///…/delivery.zip!/in/a.wav`, `s3://bucket/in/a.wav`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote, quote_from_bytes, unquote, unquote_to_bytes

_FILE = "file://"
_ZIP = "zip://"
_S3 = "s3://"
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


def s3_uri(bucket: str, key: str) -> str:
    return f"{_S3}{bucket}/{quote(key, safe=_SAFE, errors='replace')}"


def s3_parts(uri: str) -> tuple[str, str]:
    """Bucket and key of an `s3_uri`. Raises ValueError for another kind of address."""
    bucket, separator, key = uri.removeprefix(_S3).partition("/")
    if not uri.startswith(_S3) or not separator or not key:
        raise ValueError(f"{uri} is not the address of an S3 object")
    return bucket, unquote(key)


def shown(name: str) -> str:
    """A text from outside, safe for a database row or a JSON file: what is not UTF-8 becomes U+FFFD."""
    if name.isascii():
        return name
    try:
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:  # half of a surrogate pair, as JSON may hold
        return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", name)
