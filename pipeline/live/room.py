"""All live calls of one server: taken, listened to, told, ended, handed over.

Four threads. One listens to the sound of every call, one owns the recogniser (`recogniser.py`), one makes turns of its
answers, one writes to the database. What ends a call runs in a small pool: it may take as long as a summary takes.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from pipeline.config.areas.live import LiveSettings
from pipeline.errors import EarshotError, described, told
from pipeline.live.call import LiveCall
from pipeline.live.ending import Endings
from pipeline.live.events import Ending, Notice
from pipeline.live.kept import KeptCalls
from pipeline.live.ports import CallStart, LiveHeader
from pipeline.live.refusals import CallRefused, EndReason, Refusal
from pipeline.live.tools import LiveTools
from pipeline.live.track import Utterance
from pipeline.live.turns import hearing_of
from pipeline.records import SpeechSegment
from pipeline.threads import begun
from pipeline.transcription.engine import SegmentResult

log = logging.getLogger("earshot.live")

_LOOK_S = 0.5
"""How often calls are looked at for which nothing comes."""
_ENDINGS_AT_ONCE = 4


class LiveRoom:
    """Thread-safe. `close` ends every call; the recordings are kept and handed over."""

    def __init__(self, settings: LiveSettings, tools: LiveTools) -> None:
        self.settings = settings
        self._tools = tools
        self._kept = KeptCalls(settings.directory)
        self._calls: dict[str, LiveCall] = {}
        self._lock = threading.Lock()
        self._work = threading.Event()
        self._closing = False
        self._closed = False
        self._answers: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._rows: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._endings = Endings(self._kept, tools, self._rows.put)
        self._pool = ThreadPoolExecutor(_ENDINGS_AT_ONCE, "live ending")
        self._threads = [
            begun("live listening", self._listen),
            begun("live turns", self._do_all, self._answers),
            begun("live rows", self._do_all, self._rows),
        ]

    # ----------------------------------------------------------------------------- for connections, pages

    def start(self, start: CallStart) -> LiveCall:
        """A new call. Raises CallRefused."""
        now = datetime.now(UTC)
        session = uuid.uuid4().hex
        name = f"live_{now:%Y%m%d_%H%M%S}_{session}.wav"
        header = LiveHeader(session=session, started_at=now, start=start, file_name=name)
        with self._lock:
            self._make_sure_of_room()
            try:
                self._kept.begin(header)
                call = LiveCall(header, self._kept.folder_of(session), self.settings, self._tools.hearing)
            except (OSError, EarshotError) as error:
                self._kept.remove(session)
                why = f"the recording cannot be started: {described(error)}"
                raise CallRefused(Refusal.UNAVAILABLE, why) from error
            self._calls[session] = call
        self._rows.put(lambda: self._tools.store.begin(header))
        self.warm()
        return call

    def warm(self) -> None:
        """Load what calls need, if it is not loaded. Does not wait for it."""
        self._tools.recogniser.warm()
        self._pool.submit(self._tools.warm)

    def resume(self, session: str, owner: str) -> LiveCall:
        """A call whose connection broke, or that has just ended. Raises CallRefused."""
        call = self.find(session)
        if call is None or call.header.start.owner != owner:
            raise CallRefused(
                Refusal.UNKNOWN_SESSION,
                f"no call with session {session[:64]} can be resumed: it ended more than {self.settings.resume_s:g} s "
                "ago (live.resume_s), or the server was restarted; its recording is kept",
            )
        return call

    def find(self, session: str) -> LiveCall | None:
        return self._calls.get(session)

    @property
    def calls(self) -> list[LiveCall]:
        """Those that are held, and those that ended a moment ago."""
        with self._lock:
            return list(self._calls.values())

    def wake(self) -> None:
        """There is sound to listen to, or a call to end."""
        self._work.set()

    def _make_sure_of_room(self) -> None:
        if self._closing:
            raise CallRefused(Refusal.FULL, "the server is shutting down; try another one, or this one in a minute")
        held = sum(call.reason is None for call in self._calls.values())
        if held >= self.settings.max_calls:
            raise CallRefused(
                Refusal.FULL, f"{held} calls are in progress, no more are accepted (live.max_calls); try again later"
            )
        backlog_s = self._tools.recogniser.backlog_s
        if backlog_s > self.settings.max_backlog_s:
            raise CallRefused(
                Refusal.FULL,
                f"{backlog_s:.0f} s of speech wait for the recogniser (live.max_backlog_s); try again later",
            )

    # -------------------------------------------------------------------------------------- listening

    def _listen(self) -> None:
        while not self._closed:
            self._work.wait(_LOOK_S)
            self._work.clear()
            for call in self.calls:
                self._listen_to(call)

    def _listen_to(self, call: LiveCall) -> None:
        if call.finished:
            self._forget_later(call)
            return
        try:
            self._hear(call, call.listen())
            self._end_where_due(call)
            if call.reason is not None:
                self._finish(call)
        except Exception as error:  # noqa: BLE001 - the other calls go on
            self._break_off(call, error)

    def _hear(self, call: LiveCall, utterances: list[Utterance]) -> None:
        for utterance in utterances:
            segment = utterance.segment

            def answer(result: SegmentResult, segment: SpeechSegment = segment, final: bool = utterance.final) -> None:
                self._answers.put(lambda: self._tell(call, segment, result, final))

            hearing = hearing_of(call, utterance, answer)
            if utterance.final:
                self._tools.recogniser.forget_partials(f"{hearing.key}/")
                with call.lock:
                    call.pending[hearing.key] = segment
                    call.settled.clear()
            self._tools.recogniser.hear(hearing)

    def _end_where_due(self, call: LiveCall) -> None:
        now = time.monotonic()
        left_at = call.left_at
        if left_at is not None and now - left_at > self.settings.resume_s:
            call.end(EndReason.LOST)
        elif left_at is None and now - call.heard_at > self.settings.idle_s:
            call.end(EndReason.IDLE)
        elif call.silent_s > self.settings.silence_s:
            call.end(EndReason.SILENCE)

    def _finish(self, call: LiveCall) -> None:
        call.events.add(Ending(reason=call.reason or EndReason.STOPPED))
        self._hear(call, call.finish())
        self._pool.submit(self._endings.end, call)

    def _break_off(self, call: LiveCall, error: Exception) -> None:
        """The recording so far is kept."""
        log.error("live call %s: %s", call.session, described(error))
        call.end(EndReason.DISK)
        call.reason = EndReason.DISK
        call.events.add(Notice(text=f"the recording cannot be continued: {told(error)}"))
        try:
            call.close_files()
        except OSError:
            call.recording.abandon()
        self._pool.submit(self._endings.end, call)

    # ------------------------------------------------------------------------------------------ turns

    def _tell(self, call: LiveCall, segment: SpeechSegment, result: SegmentResult, final: bool) -> None:
        if not final:
            partial = self._tools.turns.partial(call, segment, result)
            if partial is not None:
                call.events.add(partial)
            return
        try:
            turn = self._tools.turns.final(call, segment, result)
            call.told[segment.channel] = max(segment.ordinal, call.told.get(segment.channel, -1))
            call.events.add(turn)
            if turn.text or turn.flags:
                self._rows.put(lambda: self._tools.store.add_turn(call.session, turn))
        finally:
            with call.lock:
                call.pending.pop(result.key, None)
                if not call.pending:
                    call.settled.set()

    def _forget_later(self, call: LiveCall) -> None:
        """A client that lost its connection at the end may still ask for the last events."""
        if call.ended_at is None or time.monotonic() - call.ended_at < self.settings.resume_s:
            return
        with self._lock:
            self._calls.pop(call.session, None)
        self._kept.leave(call.session)

    # ---------------------------------------------------------------------------- the server's own life

    def recover(self) -> list[LiveHeader]:
        """Hand over the recordings of calls in whose midst a server was killed. Returns those handed over now."""
        return self._endings.recover()

    def close(self, within_s: float = 10.0) -> None:
        """End all calls; wait up to `within_s` for their last events and rows."""
        deadline = time.monotonic() + within_s
        with self._lock:
            if self._closing:
                return
            self._closing = True
            calls = list(self._calls.values())
        for call in calls:
            call.end(EndReason.SHUTDOWN)
        self._work.set()
        for call in calls:
            call.done.wait(max(0.0, deadline - time.monotonic()))
        self._closed = True
        self._work.set()
        self._tools.recogniser.close()
        for waiting in (self._answers, self._rows):
            waiting.put(None)
        for thread in self._threads:
            thread.join(max(1.0, deadline - time.monotonic()))
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._tools.close()
        for call in calls:
            self._kept.leave(call.session)

    def _do_all(self, waiting: queue.SimpleQueue[Callable[[], None] | None]) -> None:
        while (work := waiting.get()) is not None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - one turn or row, not the calls
                log.error("live calls: %s", told(error))
