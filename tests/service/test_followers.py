"""Followers of events have places: so many in all, and so many with one token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from service.access import LOCAL
from service.followers import Followers

ANN, BEN = (replace(LOCAL, name=name, credential=f"token {name}") for name in ("ann", "ben"))


async def endless() -> AsyncIterator[ServerSentEvent]:
    while True:
        yield ServerSentEvent("x")
        await asyncio.sleep(3600)


async def begun(answer: EventSourceResponse) -> asyncio.Task[None]:
    """Following, from the first byte on."""
    first = asyncio.Event()

    async def send(_: Any) -> None:
        first.set()

    async def receive() -> Any:
        await asyncio.sleep(3600)

    task = asyncio.create_task(answer({"type": "http", "method": "GET", "headers": []}, receive, send))
    await first.wait()
    return task


def refusal(followers: Followers, who: Any) -> HTTPException:
    with pytest.raises(HTTPException) as refused:
        followers.answer(who, endless(), 15)
    assert refused.value.headers is not None
    assert refused.value.headers["Retry-After"] == "30"
    return refused.value


def test_places_are_limited_and_free_again_when_a_follower_goes() -> None:
    async def follow() -> None:
        followers = Followers(most=3, most_each=2)
        anns = [await begun(followers.answer(ANN, endless(), 15)) for _ in range(2)]
        refused = refusal(followers, ANN)
        assert (refused.status_code, "service.followers_per_token" in refused.detail) == (429, True)
        bens = await begun(followers.answer(BEN, endless(), 15))
        refused = refusal(followers, BEN)
        assert (refused.status_code, "service.followers" in refused.detail) == (503, True)
        for task in (*anns, bens):
            task.cancel()
        await asyncio.gather(*anns, bens, return_exceptions=True)
        again = await begun(followers.answer(ANN, endless(), 15))
        again.cancel()

    asyncio.run(follow())


def test_an_answer_that_was_never_sent_holds_no_place() -> None:
    followers = Followers(most=1, most_each=1)
    followers.answer(ANN, endless(), 15)
    assert followers.answer(ANN, endless(), 15) is not None
