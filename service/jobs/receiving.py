"""A request's body on its way to the disk: never whole in memory, never longer or slower than allowed."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

AT_ONCE = 256 * 1024
"""Bytes held per upload before they go to the disk."""
_MOST_FIELDS = 20
_DRAIN_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one body."""

    most_bytes: int
    """Of the recording."""
    most_field_bytes: int
    """Of all other fields together."""
    stall_s: float
    """Within this time AT_ONCE bytes must come, or the end."""


async def receive(body: AsyncIterator[bytes], path: Path, offset: int, limits: Limits) -> int:
    """Write `body` into the file from `offset` on, cutting off what is behind; returns the file's size.

    What came before an error stays in the file. Raises HTTPException (413, 408, 507), ClientDisconnect.
    """
    file = await run_in_threadpool(_opened, path, offset)
    size, held = offset, bytearray()
    try:
        async for chunk in paced(body, limits.stall_s):
            size += len(chunk)
            if size > limits.most_bytes:
                held.clear()
                raise too_large(limits.most_bytes)
            held += chunk
            if len(held) >= AT_ONCE:
                await _write(file, held)
    finally:
        try:
            await asyncio.shield(_write(file, held))
        finally:
            file.close()
    return size


async def paced(body: AsyncIterator[bytes], stall_s: float) -> AsyncIterator[bytes]:
    """The body, given up where AT_ONCE bytes take longer than `stall_s`. Raises HTTPException (408)."""
    loop = asyncio.get_running_loop()
    deadline, since = loop.time() + stall_s, 0
    chunks = body.__aiter__()
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        except ClientDisconnect:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "The upload was cut off.") from None  # nobody reads it
        except TimeoutError:
            raise HTTPException(
                HTTPStatus.REQUEST_TIMEOUT,
                f"Less than {AT_ONCE // 1024} kB came within {stall_s:g} s (service.upload_stall_s).",
                {"Connection": "close"},
            ) from None
        yield chunk
        since += len(chunk)
        if since >= AT_ONCE:
            deadline, since = loop.time() + stall_s, 0


class Form:
    """A multipart form: the bytes of its one file as they come, its other fields when they are complete."""

    def __init__(self, content_type: str, limits: Limits) -> None:
        """Raises HTTPException (422) where there is no boundary."""
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if not boundary:
            raise invalid("the form has no boundary")
        self.fields: dict[str, str] = {}
        self.file_name: str | None = None
        """Of the file; None before it has begun."""
        self._limits = limits
        self._field_bytes = 0
        self._name = self._header = b""
        self._headers: dict[bytes, bytes] = {}
        self._into_file = False
        self._value = bytearray()
        self._file_bytes = bytearray()
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._data,
                    "on_part_end": self._end,
                },
            )
        except FormParserError as error:
            raise invalid(str(error)) from None

    async def file(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The file's bytes. Raises HTTPException (413, 422)."""
        async for chunk in body:
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise invalid(f"not a form: {error}") from None
            if self._file_bytes:
                yield bytes(self._file_bytes)
                self._file_bytes.clear()
        try:
            self._parser.finalize()
        except FormParserError as error:
            raise invalid(f"not a form: {error}") from None

    def _begin(self) -> None:
        self._headers, self._value, self._into_file = {}, bytearray(), False

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._header
        self._name = self._header = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._field = options.get(b"name", b"").decode(errors="replace")
        if b"filename" in options:
            if self.file_name is not None:
                raise invalid("the form has two files; hand in one recording at a time")
            self.file_name = options[b"filename"].decode(errors="replace")
            self._into_file = True
        elif self._field in self.fields or len(self.fields) >= _MOST_FIELDS:
            raise invalid("the form has a field twice, or too many fields")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._into_file:
            self._file_bytes += data[start:end]
            return
        self._field_bytes += end - start
        if self._field_bytes > self._limits.most_field_bytes:
            raise too_large(self._limits.most_field_bytes, "the fields")
        self._value += data[start:end]

    def _end(self) -> None:
        if not self._into_file:
            self.fields[self._field] = self._value.decode(errors="replace")


async def drain(body: AsyncIterator[bytes]) -> None:
    """Discard what a client still sends, for a moment: a connection closed earlier would take the answer with it."""
    with contextlib.suppress(TimeoutError, ClientDisconnect, RuntimeError):
        async with asyncio.timeout(_DRAIN_S):
            async for _ in body:
                pass


async def small_body(body: AsyncIterator[bytes], limits: Limits) -> bytes:
    """A body that is no recording. Raises HTTPException (413, 408)."""
    held = bytearray()
    async for chunk in paced(body, limits.stall_s):
        held += chunk
        if len(held) > limits.most_field_bytes:
            raise too_large(limits.most_field_bytes, "the request")
    return bytes(held)


async def digest_of(body: AsyncIterator[bytes]) -> str:
    """SHA-256 of a body that is not kept."""
    made = hashlib.sha256()
    async for chunk in body:
        made.update(chunk)
    return made.hexdigest()


def too_large(most: int, what: str = "the recording") -> HTTPException:
    setting = "service.max_recording_mb" if what == "the recording" else "service.max_metadata_kb"
    return HTTPException(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"{what} may have at most {most:,} bytes ({setting}).",
        {"Connection": "close"},
    )


def invalid(detail: str) -> HTTPException:
    return HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def _opened(path: Path, offset: int) -> BinaryIO:
    file = path.open("r+b" if path.exists() else "x+b")
    file.truncate(offset)
    file.seek(offset)
    return file


async def _write(file: BinaryIO, held: bytearray) -> None:
    if held:
        content = bytes(held)
        held.clear()
        await run_in_threadpool(file.write, content)
        await run_in_threadpool(file.flush)
