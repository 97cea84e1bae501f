"""`/v1/live`: the WebSocket; and what can be read of calls while they are held, as JSON, events and pages."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Header
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from db.queries.chosen import RowScope
from db.queries.live import ShownLiveCall, ShownLiveTurn, live_call, live_calls, live_turns
from pages.live_page import live_list_page, live_page
from pipeline.live.call import LiveCall
from pipeline.live.events import Ended
from pipeline.live.room import LiveRoom
from pipeline.records import CallMetadata, Role
from service.access import Principal, Scope, anyone, principal_with
from service.answers import Answer, alike
from service.context import Given, ServiceContext, context_of
from service.live.codes import CloseCode, short
from service.live.messages import event_text
from service.live.socket import Connection, NotAllowed
from service.readers import Reader, WordReader

router = APIRouter()
MOST_UNSTARTED = 64
"""Connections that have not begun a call yet."""
_LOOK_S = 15.0


class LiveCallSummary(Answer):
    """A call that is held, or whose ordinary rows are not there yet."""

    session: str
    started_at: datetime
    roles: tuple[Role, ...]
    """Who speaks on each track."""
    direction: str | None
    agent_id: str | None
    customer_segment: str | None
    queue: str | None
    language: str | None
    ended_at: datetime | None
    """Null while it is held."""
    end_reason: str | None
    """Why it ended: stopped, lost, idle, silence, too_long, disk, shutdown, killed."""
    duration_s: float | None
    topic: str | None
    subtopic: str | None
    job: str | None
    """Under which the recording is processed."""
    call_id: str | None
    """Of the call with the ordinary rows, once there are any."""


class LiveTurnAnswer(Answer):
    """A turn that has ended."""

    track: int
    ordinal: int
    role: Role
    start_s: float
    end_s: float
    text: str
    language: str | None
    confidence: float | None
    flags: tuple[str, ...]
    mood: str | None
    mood_reason: str | None


class LiveCallAnswer(LiveCallSummary):
    """The same with what was said."""

    summary: str | None
    moods: dict[str, str]
    """Over the whole call, by role; there at its end."""
    missing_reasons: dict[str, str]
    turns: tuple[LiveTurnAnswer, ...]


class LiveCallList(Answer):
    """The latest first."""

    calls: tuple[LiveCallSummary, ...]


def live_room(connection: HTTPConnection) -> LiveRoom:
    return cast(LiveRoom, connection.app.state.live)


Room = Annotated[LiveRoom, Depends(live_room)]


# -------------------------------------------------------------------------------------------- the WebSocket


@router.websocket("/v1/live", dependencies=[Depends(anyone)])  # the token may be in the first message
async def live(socket: WebSocket) -> None:
    """A call is sent and heard. See docs/live.md."""
    await socket.accept()
    room, state = live_room(socket), socket.app.state
    unstarted = getattr(state, "live_unstarted", 0)
    if unstarted >= MOST_UNSTARTED:
        await socket.close(CloseCode.FULL, short(f"{unstarted} connections have not begun a call; try again later"))
        return
    state.live_unstarted = unstarted + 1
    sender: Principal | None = None

    def owner(token: str | None) -> str:
        nonlocal sender
        sender = _owner(socket, token)
        state.live_unstarted -= 1
        return sender.name

    def told(session: str) -> None:
        assert sender is not None
        context_of(socket).audit.read_live(sender, session, hands_in=True)

    try:
        await Connection(socket, room, owner, told).serve()
    finally:
        if sender is None:
            state.live_unstarted -= 1


def _owner(socket: WebSocket, token: str | None) -> Principal:
    """Who hands the call in: by the token in the first message, else by the handshake."""
    asks: HTTPConnection = socket
    if token is not None:
        headers = [(name, value) for name, value in socket.scope["headers"] if name != b"authorization"]
        with_token = [*headers, (b"authorization", b"Bearer " + token.encode("utf-8", "replace"))]
        asks = HTTPConnection({**socket.scope, "headers": with_token})
    try:
        return principal_with(Scope.SUBMIT, asks)
    except HTTPException as error:
        raise NotAllowed(str(error.detail)) from None


# -------------------------------------------------------------------------------------------------- reading


@router.get("/v1/live/calls")
def list_live_calls(given: Given, reader: Reader) -> LiveCallList:
    """Calls that are held, and calls whose recording is still being processed."""
    return LiveCallList(calls=tuple(LiveCallSummary.model_validate(call) for call in _calls(given, reader)))


@router.get("/v1/live/calls/{session}")
def read_live_call(session: str, given: Given, reader: WordReader) -> LiveCallAnswer:
    """A live call with its turns so far; none once the ordinary rows have replaced them: `call_id` names those."""
    call = _call(session, given, reader)
    given.audit.read_live(reader, session)
    turns = tuple(LiveTurnAnswer.model_validate(turn) for turn in live_turns(given.database, session))
    return LiveCallAnswer(**alike(LiveCallAnswer, call), turns=turns)


@router.get("/v1/live/calls/{session}/events", response_class=EventSourceResponse)
async def live_events(  # noqa: PLR0917 - FastAPI calls it by name
    session: str,
    given: Given,
    room: Room,
    reader: WordReader,
    last_event_id: Annotated[str | None, Header()] = None,
    after: int = 0,
) -> EventSourceResponse:
    """The events of a call that is held on this server, as server-sent events; those after `Last-Event-ID` or `after`.

    The stream ends with the event `ended`.
    """
    call = room.find(session)
    if call is None or not _seen(call.header.start.metadata, reader.rows):
        raise HTTPException(404, "no call with this session is held here")
    await run_in_threadpool(given.audit.read_live, reader, session)
    seen = int(last_event_id) if last_event_id and last_event_id.isascii() and last_event_id.isdigit() else after
    return given.followers.answer(reader, _events(call, seen), int(_LOOK_S))


async def _events(call: LiveCall, seen: int) -> AsyncIterator[ServerSentEvent]:
    changed, loop = asyncio.Event(), asyncio.get_running_loop()

    def tell() -> None:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(changed.set)

    call.events.listen(tell)
    try:
        while True:
            changed.clear()
            for number, event in call.events.after(seen):
                seen = number
                yield ServerSentEvent(data=event_text(number, event), event=event.type, id=str(number))
                if isinstance(event, Ended):
                    return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), _LOOK_S)
    finally:
        call.events.leave(tell)


# ---------------------------------------------------------------------------------------------------- pages


@router.get("/live")
def live_list(given: Given, reader: Reader) -> Response:
    return HTMLResponse(live_list_page(_calls(given, reader), given.site_of(reader)))


@router.get("/live/{session}")
def live_call_page(session: str, given: Given, room: Room, reader: WordReader) -> Response:
    """The call as it comes in; the call's own page once its ordinary rows are there."""
    call = _call(session, given, reader)
    if call.call_id is not None and (address := given.site.call(call.call_id)) is not None:
        return RedirectResponse(address, 303)
    given.audit.read_live(reader, session)
    held = room.find(session) is not None
    turns: list[ShownLiveTurn] = [] if held else live_turns(given.database, session)
    return HTMLResponse(live_page(call, turns, given.site_of(reader), held=held))


def _calls(given: ServiceContext, reader: Principal) -> list[ShownLiveCall]:
    return [reader.shown(call) for call in live_calls(given.database, reader.rows)]


def _call(session: str, given: ServiceContext, reader: Principal) -> ShownLiveCall:
    found = live_call(given.database, session, reader.rows)
    if found is None:
        raise HTTPException(404)
    return found


def _seen(said: CallMetadata, rows: RowScope) -> bool:
    """Whether a call that is held exists for somebody who sees these rows."""
    return (rows.segments is None or said.customer_segment in rows.segments) and (
        rows.queues is None or said.queue in rows.queues
    )
