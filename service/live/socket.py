"""One WebSocket: a call started or resumed, its sound in, its events out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.websockets import WebSocket, WebSocketDisconnect

from pipeline.errors import described
from pipeline.live.call import LiveCall
from pipeline.live.events import Ended, Ending
from pipeline.live.ports import CallStart
from pipeline.live.refusals import CallRefused, EndReason, Refusal
from pipeline.live.room import LiveRoom
from service.live import twilio
from service.live.codes import OF_END, OF_REFUSAL, CloseCode, short
from service.live.credit import Credits
from service.live.dialects import Dialect, OwnDialect, Stop, TwilioDialect, is_twilio
from service.live.messages import StartMessage, event_text, first_message

log = logging.getLogger("earshot.live")

_PUT_DOWN_AGAIN_S = 1.0
START_WITHIN_S = 10.0
"""A connection that does not start or resume a call in time is closed."""

Owner = Callable[[str | None], str]
"""The name of whoever may hand calls in, by the token in the first message where there is one. Raises NotAllowed."""


Told = Callable[[str], None]
"""Puts down that the words of a session are told now, before they are. Raises what keeps it from that."""


class NotAllowed(Exception):
    """Raised for somebody unknown, and for somebody who may not hand calls in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    call: LiveCall
    dialect: Dialect
    last_event: int
    resumed: bool = False


class Connection:
    """Serves one accepted WebSocket to its end."""

    def __init__(self, socket: WebSocket, room: LiveRoom, owner: Owner, told: Told) -> None:
        self._socket = socket
        self._room = room
        self._owner = owner
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._space = asyncio.Event()
        self._taken_over = False

    async def serve(self) -> None:
        """Never raises for what a client does."""
        try:
            begun = await asyncio.wait_for(self._begin(), START_WITHIN_S)
        except CallRefused as error:
            await self._close(OF_REFUSAL[error.refusal], str(error))
        except NotAllowed as error:
            await self._close(CloseCode.NOT_ALLOWED, str(error))
        except TimeoutError:
            await self._close(CloseCode.IDLE, f"no first message within {START_WITHIN_S:g} s")
        except WebSocketDisconnect:
            pass
        else:
            await self._hold(begun)

    # ------------------------------------------------------------------------------------------- begin

    async def _begin(self) -> _Begun:
        text, _ = await self._receive()
        if text is None:
            raise CallRefused(Refusal.BAD_START, "the first message must be a text: start or resume")
        if is_twilio(text):
            return await self._begin_twilio(text)
        message = first_message(text)
        owner = self._owner(message.token)
        if isinstance(message, StartMessage):
            call = await self._start(_call_start(message, owner))
            return _Begun(call=call, dialect=OwnDialect(), last_event=0)
        call = self._room.resume(message.session, owner)
        return _Begun(call=call, dialect=OwnDialect(), last_event=message.last_event, resumed=True)

    async def _begin_twilio(self, text: str) -> _Begun:
        message = twilio.twilio_message(text)
        while isinstance(message, twilio.Connected):
            following, _ = await self._receive()
            message = twilio.twilio_message(following or "")
        if not isinstance(message, twilio.Start):
            raise CallRefused(Refusal.BAD_START, f"`start` is expected after `connected`, not `{message.event}`")
        call = await self._start(twilio.call_start(message, self._owner(twilio.token_of(message))))
        clock = twilio.MediaClock(message.start.tracks, lambda: call.offered)
        return _Begun(call=call, dialect=TwilioDialect(clock), last_event=0)

    async def _start(self, start: CallStart) -> LiveCall:
        return await asyncio.to_thread(self._room.start, start)  # makes files

    # -------------------------------------------------------------------------------------------- hold

    async def _hold(self, begun: _Begun) -> None:
        call = begun.call
        leave, changed = self._leave, self._wake_sender
        call.attach(leave)
        call.events.listen(changed)
        sender = asyncio.create_task(self._send_all(begun))
        reader = asyncio.create_task(self._read_all(begun))
        try:
            await asyncio.wait({sender, reader}, return_when=asyncio.FIRST_COMPLETED)
            if reader.done() and reader.exception() is None:
                await asyncio.wait({sender})  # stop was said: the events that follow are still told
        finally:
            call.events.leave(changed)
            for task in (sender, reader):
                task.cancel()
            outcomes = await asyncio.gather(sender, reader, return_exceptions=True)
            call.detach(leave)
            if not begun.dialect.resumes:
                call.end(EndReason.LOST)
                self._room.wake()
            await self._close_after(outcomes)

    async def _close_after(self, outcomes: Sequence[object]) -> None:
        """Why the connection ends, where the client does not know it yet."""
        for outcome in outcomes:
            if isinstance(outcome, CallRefused):
                await self._close(OF_REFUSAL[outcome.refusal], str(outcome))
            elif isinstance(outcome, Exception) and not isinstance(outcome, WebSocketDisconnect):
                log.error("live connection: %s", type(outcome).__name__, exc_info=outcome)
                await self._close(CloseCode.FAILED, "an unforeseen error; the recording so far is kept")
        if self._taken_over:
            await self._close(CloseCode.TAKEN_OVER, "another connection has taken over the call")

    def _leave(self) -> None:
        self._taken_over = True
        self._loop.call_soon_threadsafe(self._changed.set)

    def _wake_sender(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._changed.set)

    def _wake_reader(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._space.set)

    async def _read_all(self, begun: _Begun) -> None:
        """Until the client says stop. While the buffer is full nothing more is read: the client has to wait."""
        while True:
            message = begun.dialect.read(*await self._receive())
            if isinstance(message, Stop):
                begun.call.end(EndReason.STOPPED)
                self._room.wake()
                return
            if message is None:
                continue
            self._space.clear()
            while not begun.call.offer(message, self._wake_reader):
                await self._space.wait()
                self._space.clear()
            self._room.wake()

    async def _send_all(self, begun: _Begun) -> None:
        """Events as they come, and credits, until the last event or until another connection serves the call."""
        call, last = begun.call, begun.last_event
        credit = Credits(call, self._room.settings.buffer_bytes)
        if begun.dialect.answers:
            await self._send(self._greeting(begun))
            await self._put_down(call.header.session)
        while not self._taken_over:
            self._changed.clear()
            for number, event in call.events.after(last):
                last = number
                if begun.dialect.answers:
                    await self._send(event_text(number, event))
                if isinstance(event, Ended) or (isinstance(event, Ending) and not begun.dialect.answers):
                    await self._close(OF_END[EndReason(event.reason)], event.reason)
                    return
            if begun.dialect.answers and (text := credit.due()) is not None:
                await self._send(text)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), credit.look_again_s)

    async def _put_down(self, session: str) -> None:
        """Until that is on the disk no word is told; the call is heard meanwhile."""
        while True:
            try:
                return await asyncio.to_thread(self._told, session)
            except Exception as error:  # noqa: BLE001 - a database that is away must not cost the call
                log.warning("who is told a live call cannot be put down yet: %s", described(error))
                await asyncio.sleep(_PUT_DOWN_AGAIN_S)

    def _greeting(self, begun: _Begun) -> str:
        settings = self._room.settings
        return json.dumps(
            {
                "type": "resumed" if begun.resumed else "started",
                "session": begun.call.session,
                "received": begun.call.offered,
                "window_bytes": settings.buffer_bytes,
                "max_message_bytes": settings.max_message_bytes,
                "max_call_s": settings.max_call_s,
                "resume_s": settings.resume_s,
            }
        )

    # ------------------------------------------------------------------------------------------ socket

    async def _receive(self) -> tuple[str | None, bytes | None]:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005), message.get("reason"))
        return message.get("text"), message.get("bytes")

    async def _send(self, text: str) -> None:
        try:
            await self._socket.send_text(text)
        except RuntimeError as error:  # it was closed meanwhile
            raise WebSocketDisconnect(1006) from error

    async def _close(self, code: CloseCode, reason: str) -> None:
        """With the whole reason as a message before it: a close frame holds 123 bytes."""
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it is closed already
            if code is not CloseCode.DONE:
                await self._socket.send_text(json.dumps({"type": "error", "code": int(code), "reason": reason}))
            await self._socket.close(code, short(reason))


def _call_start(message: StartMessage, owner: str) -> CallStart:
    return CallStart(
        sample_rate_hz=message.sample_rate_hz,
        encoding=message.encoding,
        roles=message.tracks,
        metadata=message.metadata.of_call(),
        owner=owner,
    )
