"""The recogniser's process and its supervision.

One spawned process owns the accelerator. It is fed windows of segments by reference (spool file and times) and hands
each segment's result back as it is finished. When it dies, or finishes nothing within the time limit, it is killed and
started again; the segments it had taken are tried one by one, so that the one to blame is found and only that one is
lost.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from pipeline.children.process import ChildProcess
from pipeline.errors import EarshotError, ModelUnavailable, StageTimeout, StartupError, WorkerCrashed
from pipeline.plurals import counted
from pipeline.records import EngineIdentity
from pipeline.run.processes.recogniser_child import Recogniser, WindowTask, set_up
from pipeline.transcription.engine import OUT_OF_MEMORY, EngineDescription, SegmentResult
from pipeline.transcription.fingerprint import same_engine

_SENT_AT_ONCE = 256
"""Windows the process is handed ahead of their results: more than any engine looks ahead."""


class RecogniserProcess:
    """Supervisor of the one process that recognises. Used from one thread.

    An engine that runs out of memory on a single segment is not used again, and one that refuses to go on or dies again
    and again is left: the process starts with `skip` naming it. Whenever a restart brings another engine (see
    `same_engine`), `identity` changes and everything outstanding is dropped: whoever submitted it must begin again, so
    that no transcript is made by two engines.

    Args:
        build: called in the child with `arguments`, and `skip={engine: reason}` where engines are to be left out;
            importable and returning a Recogniser.
        load_timeout_s: limit for loading the weights.
        segment_timeout_s: limit without any segment finishing while some are under way.
        alone_timeout_s: limit for a segment tried alone after a restart; None for `segment_timeout_s`.
        restarts_in_vain: restarts allowed in a row without a segment finished or given up in between.
    """

    def __init__(
        self,
        build: Callable[..., Recogniser],
        arguments: tuple[Any, ...],
        load_timeout_s: float,
        segment_timeout_s: float,
        alone_timeout_s: float | None = None,
        *,
        restarts_in_vain: int = 5,
    ) -> None:
        self._child = ChildProcess("recogniser", set_up, keeps_memory=True)
        self._build = (build, arguments)
        self._load_timeout_s = load_timeout_s
        self._restarts_allowed = restarts_in_vain
        self._limit_s = (segment_timeout_s, "run.segment_timeout_s")
        self._limit_alone_s = self._limit_s
        if alone_timeout_s is not None and alone_timeout_s < segment_timeout_s:
            self._limit_alone_s = (alone_timeout_s, "transcription.segment_time_limit_s")
        self._sent: dict[str, WindowTask] = {}
        self._left: dict[str, str] = {}
        """Of the windows sent: the segments without a result, each with the key of its window."""
        self._taken: set[str] = set()
        self._to_send: deque[WindowTask] = deque()
        self._suspects: deque[WindowTask] = deque()
        self._alone: str | None = None
        self._last_sign = 0.0
        self._restarts_in_vain = 0
        self._skip: dict[str, str] = {}
        self._last_resort = False
        self.without_memory: set[str] = set()
        """Engines left because they lack memory here: not for the rest of the run."""
        self.identity: EngineIdentity | None = None
        """Of the engine loaded last."""
        self.description: EngineDescription | None = None
        self.restarts = 0
        self.busy_s = 0.0
        """Seconds with at least one segment under way; the rest of `span_s` it stood idle."""
        self.span_s = 0.0
        """Seconds from the first segment sent to the last one finished."""
        self.mlx_bytes: int | None = None
        self._busy_since: float | None = None
        self._first_busy: float | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def outstanding(self) -> int:
        """Windows submitted that have segments without a result."""
        return len(self._sent) + len(self._to_send) + len(self._suspects)

    def start(self, meanwhile: Callable[[], None] | None = None) -> tuple[EngineDescription, EngineIdentity]:
        """Spawn and load; call `meanwhile` while waiting. Raises ModelUnavailable, or what either of the two raised."""
        try:
            loaded: tuple[EngineDescription, EngineIdentity] = self._child.start(
                (*self._build, dict(self._skip)), self._load_timeout_s, meanwhile
            )
        except StageTimeout as error:
            raise ModelUnavailable(f"{error} (run.recogniser_load_timeout_s)") from error
        except WorkerCrashed as error:
            raise ModelUnavailable(f"{error} while it loaded the model") from error
        self._last_sign = time.monotonic()
        self.description, self.identity = loaded
        return loaded

    def submit(self, task: WindowTask) -> None:
        """Queue a window, before those of lower priority; the results of its segments come from `results`."""
        index = len(self._to_send)
        while index and self._to_send[index - 1].priority < task.priority:
            index -= 1
        self._to_send.insert(index, task)
        self._feed()

    def results(self, timeout_s: float) -> list[SegmentResult]:
        """Results that arrive within `timeout_s`, at once when there is one. Restarts the process when needed.

        Raises ModelUnavailable when neither a restart nor another engine helps.
        """
        deadline = time.monotonic() + timeout_s
        finished: list[SegmentResult] = []
        while not finished:
            remaining = deadline - time.monotonic()
            if not self._child.is_open or remaining <= 0:
                return finished
            try:
                if self._child.has_message(min(remaining, 1.0)):
                    self._read_all(finished)
            except WorkerCrashed as error:
                finished.extend(self._recover(str(error), "recogniser_crash"))
            except _EngineRaised as error:
                finished.extend(self._recover(str(error), "recogniser_error"))
            except StartupError as error:  # the engine says that it cannot serve at all
                self.leave(str(error))
            except _OutOfMemory as error:
                finished.extend(self._pass_over(error.result))
            limit_s, setting = self._limit_s if self._alone is None else self._limit_alone_s
            if self._sent and time.monotonic() - self._last_sign > limit_s:
                why = f"nothing finished within {limit_s:g} s ({setting})"
                finished.extend(self._recover(why, "recogniser_timeout"))
            self._feed()
        return finished

    def leave(self, why: str) -> None:
        """Go on with the next engine; what is outstanding is dropped.

        Raises ModelUnavailable, with `why`, when no other engine can serve.
        """
        assert self.identity is not None
        left = self.identity.engine
        self.kill()
        self._drop_outstanding()
        self._skip[left] = why
        try:
            self.start()
        except EarshotError as error:
            del self._skip[left]
            raise ModelUnavailable(f"{why}; and no other engine can serve: {error}") from error
        self.restarts += 1
        self._restarts_in_vain = 0

    def return_to(self, engine: str) -> bool:
        """Start again with an engine that was left. False when it does not load: the next one then serves.

        Only while nothing is outstanding. Raises ModelUnavailable when no engine loads.
        """
        why = self._skip.pop(engine, "")
        self.kill()
        _, identity = self.start()
        if identity.engine == engine:
            self._restarts_in_vain = 0
            return True
        if why:
            self._skip[engine] = why
        return False

    def kill(self) -> None:
        """End the process now; what is under way is lost."""
        self._child.kill()
        self._mark_idle()

    def _feed(self) -> None:
        """Send what may be sent: everything, or one suspect at a time after a crash."""
        if not self._child.is_open:
            return
        try:
            if self._suspects or self._alone is not None:
                if not self._sent and self._suspects:
                    task = self._suspects.popleft()
                    self._alone = task.key
                    self._send(task)
                return
            while self._to_send and self._may_send(self._to_send[0]) and self._child.takes_more():
                self._send(self._to_send.popleft())
        except WorkerCrashed:
            return  # `results` notices and recovers, the task is among the sent

    def _may_send(self, task: WindowTask) -> bool:
        return len(self._sent) < _SENT_AT_ONCE or task.priority > 0

    def _send(self, task: WindowTask) -> None:
        if not self._sent:
            self._last_sign = time.monotonic()
            self._busy_since = self._last_sign
            self._first_busy = self._first_busy or self._last_sign
        self._sent[task.key] = task
        self._left.update((segment.key, task.key) for segment in task.segments)
        self._child.send(task)

    def _read_all(self, finished: list[SegmentResult]) -> None:
        while self._child.has_message(0.0):
            kind, value = self._child.receive()
            if kind == "taken":
                self._taken.add(value)
            elif kind == "mlx_bytes":
                self.mlx_bytes = value
            elif kind == "raised":
                raise value if isinstance(value, StartupError) else _EngineRaised(f"the recogniser raised: {value}")
            elif value.key in self._left:
                self._last_sign = time.monotonic()
                self._restarts_in_vain = 0
                self._finish(value.key)
                if OUT_OF_MEMORY in value.flags and not self._last_resort:
                    raise _OutOfMemory(value)
                finished.append(value)
        if not self._sent:
            self._mark_idle()

    def _finish(self, segment: str) -> None:
        window = self._left.pop(segment)
        if window in self._left.values():
            return
        del self._sent[window]
        self._taken.discard(window)
        if self._alone == window:
            self._alone = None

    def _take_back(self, keys: Collection[str]) -> list[WindowTask]:
        """The windows of `keys`, no longer sent; of one in progress, the segments without a result, each by itself."""
        back: list[WindowTask] = []
        for key in [key for key in self._sent if key in keys]:
            task = self._sent.pop(key)
            apart = task.apart(self._left)
            back += [task] if key not in self._taken and len(apart) == len(task.segments) else apart
            for segment in task.segments:
                self._left.pop(segment.key, None)
        return back

    def _mark_idle(self) -> None:
        if self._busy_since is None or self._first_busy is None:
            return
        now = time.monotonic()
        self.busy_s += now - self._busy_since
        self.span_s = now - self._first_busy
        self._busy_since = None

    def _recover(self, why: str, flag: str) -> list[SegmentResult]:
        """Kill, restart, and put the taken segments on trial; a segment that fails alone is given up."""
        self.kill()
        self.restarts += 1
        self._restarts_in_vain += 1
        lost: list[SegmentResult] = []
        if self._alone is not None and self._alone in self._sent and self._alone in self._taken:
            (task,) = self._take_back({self._alone})
            lost.append(SegmentResult(key=task.key, text="", language=None, flags=(flag,), error=why))
            self._restarts_in_vain = 0
        on_trial = self._taken if self._alone is None else self._sent  # a suspect that was never begun stays one
        self._alone = None
        self._suspects.extend(self._take_back(on_trial))
        self._to_send.extendleft(reversed(self._take_back(set(self._sent))))
        self._taken.clear()
        if self._restarts_in_vain > self._restarts_allowed:
            self.leave(f"the recogniser died {counted(self._restarts_in_vain, 'time')} in a row: {why}")
            return []
        return [] if self._start_again() else lost

    def _start_again(self) -> bool:
        """Whether another engine was loaded than before; everything outstanding is then dropped."""
        before = self.identity
        try:
            _, now = self.start()
        except EarshotError as error:
            why = f"the recogniser could not be started again: {error}"
            if before is None or not isinstance(error.__cause__, StageTimeout | WorkerCrashed):
                raise ModelUnavailable(why) from error  # every engine was tried
            self.leave(why)
            return True
        changed = before is not None and not same_engine(before, now)
        if changed:
            self._drop_outstanding()
        return changed

    def _drop_outstanding(self) -> None:
        for tasks in (self._sent, self._taken, self._to_send, self._suspects):
            tasks.clear()
        self._alone = None

    def _pass_over(self, result: SegmentResult) -> list[SegmentResult]:
        """No memory even for this segment alone: start with the next engine, if there is one and it may serve."""
        assert self.identity is not None
        engine, why = self.identity.engine, result.error or "out of memory"
        self.kill()
        self.restarts += 1
        self._to_send.extendleft(reversed(self._take_back(set(self._sent))))
        self._to_send.extend(self._suspects)
        for tasks in (self._taken, self._suspects):
            tasks.clear()
        self._alone = None
        self._skip[engine] = why
        self.without_memory.add(engine)
        try:
            self.start()
        except EarshotError as error:
            del self._skip[engine]
            self.without_memory.discard(engine)
            self._last_resort = True
            self._start_again()
            return [replace(result, error=f"{why}; {error}")]
        self._to_send.clear()
        return []


class _OutOfMemory(Exception):
    """The engine has no memory even for one segment."""

    def __init__(self, result: SegmentResult) -> None:
        super().__init__(result.error)
        self.result = result


class _EngineRaised(Exception):
    """The engine raised in the middle of its work."""
