"""A recording as an answer, whole or in the range asked for; decrypted on the way where it is encrypted."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from pipeline.encryption.here import open_file
from pipeline.encryption.sealed import is_sealed

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_PART = re.compile(r"(\d{0,18})-(\d{0,18})")
_AT_ONCE = 256 * 1024


def sound_answer(request: Request, path: Path, media_type: str) -> Response:
    """Raises OSError, FileDamaged, KeyMissing."""
    said = request.headers.get("range", "")
    if not _means_bytes(said):
        said = ""
        request.scope["headers"] = [(name, value) for name, value in request.scope["headers"] if name != b"range"]
    if not is_sealed(path):
        return FileResponse(path, media_type=media_type, stat_result=os.stat(path))
    file = open_file(path)
    size = file.seek(0, 2)
    wanted = None if "if-range" in request.headers else _wanted(said, size)
    if wanted is not None and wanted[0] >= wanted[1]:
        file.close()
        return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
    first, end = wanted or (0, size)
    headers = {"Accept-Ranges": "bytes", "Content-Length": str(end - first)}
    if wanted is not None:
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
    return StreamingResponse(_content(file, first, end), 200 if wanted is None else 206, headers, media_type)


def _means_bytes(said: str) -> bool:
    """Whether it asks for bytes in a form that RFC 9110 (14.1.1) knows; what does not is to be ignored."""
    parts = said.replace(" ", "").removeprefix("bytes=").split(",")
    found = [_PART.fullmatch(part) for part in parts if part]
    return said.startswith("bytes=") and bool(found) and all(asked is not None and _in_order(asked) for asked in found)


def _in_order(part: re.Match[str]) -> bool:
    first, last = part.groups()
    return bool(first or last) and not (first and last and int(first) > int(last))


def _wanted(said: str, size: int) -> tuple[int, int] | None:
    """First byte and the one behind the last, empty for a range that is not there; None for the whole.

    Several ranges, and a range of an answer seen before, are answered with the whole, as RFC 9110 allows.
    """
    found = _RANGE.fullmatch(said.replace(" ", ""))
    if found is None:
        return None
    first, last = found.groups()
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def _content(file: BinaryIO, first: int, end: int) -> Iterator[bytes]:
    with file:
        file.seek(first)
        while first < end and (content := file.read(min(_AT_ONCE, end - first))):
            first += len(content)
            yield content
