"""A request's body on its way to the disk, piece by piece, and a form taken apart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from service.jobs.receiving import AT_ONCE, Form, Limits, digest_of, drain, paced, receive, small_body
from tests.waiting import Jumping

LIMITS = Limits(most_bytes=3 * AT_ONCE, most_field_bytes=50, stall_s=5.0)


async def body(*pieces: bytes | float | Exception) -> AsyncIterator[bytes]:
    """A number is a pause, in seconds."""
    for piece in pieces:
        if isinstance(piece, Exception):
            raise piece
        if isinstance(piece, float):
            await asyncio.sleep(piece)
        else:
            yield piece


@pytest.mark.parametrize(("more", "status"), [(0, None), (1, 413)])
def test_a_recording_has_a_largest_size(tmp_path: Path, more: int, status: int | None) -> None:
    path = tmp_path / "part"
    path.write_bytes(b"0123456789")
    sent = [b"a" * AT_ONCE, b"b" * (2 * AT_ONCE - 4 + more)]
    if status is None:
        assert asyncio.run(receive(body(*sent), path, 4, LIMITS)) == 3 * AT_ONCE
        assert path.read_bytes() == b"0123" + b"".join(sent)
        return
    with pytest.raises(HTTPException) as refused:
        asyncio.run(receive(body(*sent), path, 4, LIMITS))
    assert (refused.value.status_code, "max_recording_mb" in str(refused.value.detail)) == (status, True)
    assert path.read_bytes() == b"0123" + sent[0], "what came before stays"


def test_what_came_is_on_the_disk_whenever_there_is_enough_of_it(tmp_path: Path) -> None:
    path, sizes = tmp_path / "part", []

    async def watched() -> AsyncIterator[bytes]:
        for size in (AT_ONCE - 1, 1, 5):
            yield b"x" * size
            sizes.append(path.stat().st_size)

    assert asyncio.run(receive(watched(), path, 0, LIMITS)) == AT_ONCE + 5
    assert sizes == [0, AT_ONCE, AT_ONCE]
    assert path.stat().st_size == AT_ONCE + 5


def test_an_upload_that_is_cut_off_stays_as_far_as_it_came(tmp_path: Path) -> None:
    path = tmp_path / "part"
    with pytest.raises(HTTPException) as refused:
        asyncio.run(receive(body(b"ab", ClientDisconnect()), path, 0, LIMITS))
    assert (refused.value.status_code, path.read_bytes()) == (400, b"ab")


@pytest.mark.parametrize(
    ("pieces", "given_up"),
    [
        ([b"ab", 4.0, b"cd"], False),
        ([b"ab", 6.0, b"cd"], True),
        ([b"x" * AT_ONCE, 3.0, b"y" * AT_ONCE, 3.0, b"z"], False),
        ([b"x" * (AT_ONCE - 1), 3.0, b"y", 3.0, b"z"], False),
        ([b"x" * (AT_ONCE - 2), 3.0, b"y", 3.0, b"z"], True),
        ([b"x" * AT_ONCE, 3.0, b"y" * (AT_ONCE - 1), 3.0, b"z"], True),
    ],
    ids=["within", "stalled", "slow and steady", "just enough", "too little", "too little the second time"],
)
def test_a_body_that_comes_too_slowly_is_given_up(pieces: list[bytes | float | Exception], given_up: bool) -> None:
    came: list[bytes] = []

    async def read() -> None:
        async for piece in paced(body(*pieces), 5.0):
            came.append(piece)  # noqa: PERF401 - those before an error count

    with asyncio.Runner(loop_factory=Jumping) as runner:
        if not given_up:
            runner.run(read())
        else:
            with pytest.raises(HTTPException) as refused:
                runner.run(read())
            assert (refused.value.status_code, "5 s" in str(refused.value.detail)) == (408, True)
    sent = [piece for piece in pieces if isinstance(piece, bytes)]
    assert came == (sent[:-1] if given_up else sent)


@pytest.mark.parametrize(("size", "taken"), [(50, True), (51, False)])
def test_a_body_that_is_no_recording_is_small(size: int, taken: bool) -> None:
    pieces = [b"a" * 20, b"b" * (size - 20)]
    if taken:
        assert asyncio.run(small_body(body(*pieces), LIMITS)) == b"".join(pieces)
        return
    with pytest.raises(HTTPException) as refused:
        asyncio.run(small_body(body(*pieces), LIMITS))
    assert (refused.value.status_code, "max_metadata_kb" in str(refused.value.detail)) == (413, True)


def test_a_digest_is_of_all_pieces() -> None:
    assert asyncio.run(digest_of(body(b"ab", b"", b"c"))) == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


@pytest.mark.parametrize("end", [(), (ClientDisconnect(),), (RuntimeError("the stream is consumed"),)])
def test_what_a_client_still_sends_is_read_and_forgotten(end: Iterable[Exception]) -> None:
    left = [b"a", b"b"]

    async def rest() -> AsyncIterator[bytes]:
        while left:
            yield left.pop()
        for error in end:
            raise error

    asyncio.run(drain(rest()))
    assert left == []


def part(name: str, content: str, file_name: str | None = None) -> str:
    named = f'; filename="{file_name}"' if file_name is not None else ""
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{named}\r\nX-Other: 1\r\n\r\n{content}\r\n'


async def taken_apart(content: str, at_once: int, most: int = 50) -> tuple[Form, bytes]:
    limits = Limits(most_bytes=9, most_field_bytes=most, stall_s=5.0)
    form = Form("multipart/form-data; boundary=b", limits)
    sent = content.encode()
    pieces = [sent[place : place + at_once] for place in range(0, len(sent), at_once)]
    found = [piece async for piece in form.file(paced(body(*pieces), 5.0))]
    assert all(found)
    return form, b"".join(found)


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_a_form_is_one_file_and_fields_wherever_it_is_cut(at_once: int) -> None:
    content = part("a", "1") + part("recording", "sound\r\n--c", "x ü.wav") + part("metadata", "{}") + "--b--\r\n"
    form, found = asyncio.run(taken_apart(content, at_once))
    assert (form.file_name, found) == ("x ü.wav", b"sound\r\n--c")
    assert form.fields == {"a": "1", "metadata": "{}"}


@pytest.mark.parametrize(
    ("parts", "status", "told"),
    [
        ([part("a", "x" * 25), part("b", "y" * 25)], None, ""),
        ([part("a", "x" * 25), part("b", "y" * 26)], 413, "the fields may have at most 50 bytes"),
        ([part(f"f{n}", "") for n in range(20)], None, ""),
        ([part(f"f{n}", "") for n in range(21)], 422, "too many fields"),
        ([part("a", "1"), part("a", "2")], 422, "a field twice"),
        ([part("r", "1", "a.wav"), part("r", "2", "b.wav")], 422, "two files"),
        ([part("r", "1" * 60, "")], None, ""),
        (["nothing alike"], 422, "not a form"),
    ],
    ids=["enough", "one byte more", "20 fields", "21", "twice", "two files", "a file without a name", "no form"],
)
def test_what_a_form_may_hold(parts: list[str], status: int | None, told: str) -> None:
    content = "".join(parts) + "--b--\r\n"
    if status is None:
        asyncio.run(taken_apart(content, 1000))
        return
    with pytest.raises(HTTPException) as refused:
        asyncio.run(taken_apart(content, 1000))
    assert (refused.value.status_code, told in str(refused.value.detail)) == (status, True)


@pytest.mark.parametrize("given", ["multipart/form-data", f"multipart/form-data; boundary={'b' * 500}"])
def test_a_form_has_a_boundary(given: str) -> None:
    with pytest.raises(HTTPException) as refused:
        Form(given, LIMITS)
    assert refused.value.status_code == 422
