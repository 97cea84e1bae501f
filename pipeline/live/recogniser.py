"""The one supervised recogniser process, shared by all live calls.

Final turns go before partial ones, and a partial turn is only asked for while no final one waits: when the recogniser
cannot keep up, partial turns are what is given up.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pipeline.errors import EarshotError, portable, told
from pipeline.records import EngineIdentity
from pipeline.run.processes.recogniser_child import WindowTask
from pipeline.run.processes.recogniser_process import RecogniserProcess
from pipeline.threads import begun
from pipeline.transcription.engine import EngineDescription, SegmentResult
from pipeline.transcription.fingerprint import same_engine

log = logging.getLogger("earshot.live")

NOT_RECOGNISED = "recogniser_unavailable"
"""Flag of a turn for which there was no recogniser; the recording is transcribed later all the same."""
_LOOK_S = 0.02
"""While something is under way, how often it is looked whether more came."""
_IDLE_LOOK_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnToHear:
    """A turn to be recognised, and who wants to know."""

    task: WindowTask
    """One segment, by reference."""
    final: bool
    length_s: float
    answer: Callable[[SegmentResult], None]
    """Called once, from the recogniser's thread: it must not wait."""

    @property
    def key(self) -> str:
        return self.task.key


class HearsTurns(Protocol):
    """The recogniser that all live calls share."""

    @property
    def identity(self) -> EngineIdentity | None:
        """Of the engine in use; None before it is loaded."""
        ...

    @property
    def backlog_s(self) -> float:
        """Seconds of speech in final turns without an answer."""
        ...

    def warm(self) -> None:
        """Load the engine now, if it is not loaded. Does not wait for it."""
        ...

    def hear(self, turn: TurnToHear) -> None:
        """Queue a turn. A final one is always answered; a partial one may be dropped without an answer."""
        ...

    def forget_partials(self, prefix: str) -> None:
        """Partial turns that wait and whose key begins so are no longer wanted."""
        ...

    def close(self) -> None:
        """What is waiting gets no answer."""
        ...


class SharedRecogniser:
    """`HearsTurns`. Owns the process, in a thread of its own. The process starts with the first turn.

    Args:
        process: makes the supervisor; called once for each time that it must begin anew.
        at_once: turns handed to the process ahead of their results.
        partials_at_once: of these, at most so many partial ones.
        again_after_s: how long to wait after no engine would load before it is tried again.
        restarted: told, in words, when the process was restarted.
    """

    def __init__(
        self,
        process: Callable[[], RecogniserProcess],
        at_once: int,
        partials_at_once: int,
        again_after_s: float,
        restarted: Callable[[str], None] = log.warning,
    ) -> None:
        self._new = process
        self._process = process()
        self._at_once = at_once
        self._partials_at_once = partials_at_once
        self._again_after_s = again_after_s
        self._told_restart = restarted
        self._finals: deque[TurnToHear] = deque()
        self._partials: deque[TurnToHear] = deque()
        self._under_way: dict[str, TurnToHear] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._wanted = False
        self._not_before = 0.0
        self._why_not = ""
        self._identity: EngineIdentity | None = None
        self._restarts = 0
        self.description: EngineDescription | None = None
        """Of the engine in use; None before it is loaded."""
        self._thread = begun("live recogniser", self._loop)

    @property
    def identity(self) -> EngineIdentity | None:
        """Of the engine in use; None before it is loaded."""
        return self._identity

    @property
    def pid(self) -> int | None:
        """Of the process, for whoever watches over it."""
        return self._process.pid

    @property
    def partials_welcome(self) -> bool:
        """False where the sound of calls leaves this machine: what is asked for twice would be paid for twice."""
        return self.description is None or not self.description.sends_audio_to

    @property
    def backlog_s(self) -> float:
        with self._changed:
            waiting = [*self._finals, *(hearing for hearing in self._under_way.values() if hearing.final)]
        return sum(hearing.length_s for hearing in waiting)

    def warm(self) -> None:
        with self._changed:
            self._wanted = True
            self._changed.notify()

    def hear(self, turn: TurnToHear) -> None:
        with self._changed:
            if turn.final:
                self._finals.append(turn)
            elif not self._finals and self.partials_welcome:
                self._partials.append(turn)
            self._changed.notify()

    def forget_partials(self, prefix: str) -> None:
        with self._changed:
            self._partials = deque(hearing for hearing in self._partials if not hearing.key.startswith(prefix))

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _loop(self) -> None:
        try:
            while self._wait_for_work():
                try:
                    self._work()
                except EarshotError as error:
                    self._go_without(told(error))
                except Exception as error:  # noqa: BLE001 - the calls go on, and their recordings are kept
                    self._go_without(told(portable(error)))
        finally:
            self._process.kill()

    def _wait_for_work(self) -> bool:
        with self._changed:
            while not self._closed and not (self._finals or self._partials or self._under_way or self._wanted):
                self._changed.wait(_IDLE_LOOK_S)
            return not self._closed

    def _work(self) -> None:
        if not self._start():
            return
        for hearing in self._next():
            self._under_way[hearing.key] = hearing
            self._process.submit(hearing.task)
        if not self._under_way:
            return
        for result in self._process.results(_LOOK_S):
            if result.key in self._under_way:
                self._under_way.pop(result.key).answer(result)
        self._follow()

    def _next(self) -> list[TurnToHear]:
        """What may be sent now."""
        with self._changed:
            room = self._at_once - self._process.outstanding
            chosen: list[TurnToHear] = []
            while self._finals and len(chosen) < room:
                chosen.append(self._finals.popleft())
            partial = sum(not hearing.final for hearing in self._under_way.values())
            while self._partials and len(chosen) < room and partial < self._partials_at_once and not self._finals:
                chosen.append(self._partials.popleft())
                partial += 1
            return chosen

    def _start(self) -> bool:
        self._wanted = False
        if self._identity is not None:
            return True
        if time.monotonic() < self._not_before:
            self._refuse_waiting(self._why_not)
            return False
        self.description, self._identity = self._process.start()
        for why in self._identity.passed_over:
            log.warning("live calls: not used: %s", why)
        return True

    def _follow(self) -> None:
        """After a restart with another engine the process has dropped what was outstanding: it is sent again."""
        if self._process.restarts != self._restarts:
            self._restarts = self._process.restarts
            self._told_restart("the recogniser was restarted; turns may come late")
        now, before = self._process.identity, self._identity
        if now is None or before is None or same_engine(now, before):
            return
        self._identity, self.description = now, self._process.description
        with self._changed:
            again = [hearing for hearing in self._under_way.values() if hearing.final]
            self._under_way.clear()
            self._finals.extendleft(reversed(again))

    def _go_without(self, why: str) -> None:
        """No engine can serve now: every turn that waits is answered so, and the engines are tried again later."""
        log.error("live calls: no recogniser: %s", why)
        self._process.kill()
        self._process, self._restarts = self._new(), 0
        self._identity = self.description = None
        self._not_before = time.monotonic() + self._again_after_s
        self._why_not = why
        self._refuse_waiting(why)

    def _refuse_waiting(self, why: str) -> None:
        with self._changed:
            waiting = [*self._under_way.values(), *self._finals]
            self._under_way.clear()
            self._finals.clear()
            self._partials.clear()
        for hearing in waiting:
            if hearing.final:
                hearing.answer(
                    SegmentResult(key=hearing.key, text="", language=None, flags=(NOT_RECOGNISED,), error=why)
                )
