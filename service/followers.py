"""How many follow events at once (server-sent events): each holds a connection, and asks the database each second."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from http import HTTPStatus

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from service.access import Principal
from service.problems.kinds import BUSY
from service.problems.problem import Refused

_RETRY_AFTER_S = "30"


class Followers:
    """Used in the event loop alone."""

    def __init__(self, most: int, most_each: int) -> None:
        """`most_each`: of one token, or without one of everybody at this machine."""
        self._most = most
        self._most_each = most_each
        self._following: Counter[str] = Counter()

    def answer(self, follower: Principal, events: AsyncIterator[ServerSentEvent], ping_s: int) -> EventSourceResponse:
        """The events as they come. Raises HTTPException (429), and Refused (503) where all places are taken."""
        if self._following[follower.credential] >= self._most_each:
            raise HTTPException(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"{self._most_each} streams of events are followed with this token already "
                "(service.followers_per_token). End one, or ask for the state instead.",
                {"Retry-After": _RETRY_AFTER_S},
            )
        if self._following.total() >= self._most:
            raise Refused(
                BUSY,
                f"{self._most} streams of events are followed already (service.followers). Ask for the state instead.",
                headers={"Retry-After": _RETRY_AFTER_S},
            )
        return _Followed(self._following, follower.credential, events, ping_s)


class _Followed(EventSourceResponse):
    """Holds its place from the first byte of the answer to the last."""

    def __init__(
        self, following: Counter[str], credential: str, events: AsyncIterator[ServerSentEvent], ping_s: int
    ) -> None:
        super().__init__(events, ping=ping_s, headers={"X-Accel-Buffering": "no"})
        self._places, self._credential = following, credential

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._places[self._credential] += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._places[self._credential] -= 1
            if not self._places[self._credential]:
                del self._places[self._credential]
