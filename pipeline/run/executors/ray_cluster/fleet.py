"""Workers on a cluster: as many as the work is worth, watched, replaced when they are lost, stopped with the run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from pipeline.children.worker import TaskServer
from pipeline.config.areas.ray import RaySettings
from pipeline.errors import EarshotError, StartupError, described
from pipeline.pace import Pace
from pipeline.plurals import counted
from pipeline.records import EngineIdentity
from pipeline.run.context import hire_here
from pipeline.run.crew import RecogniserFigures
from pipeline.run.executors.port import ExecutorParts
from pipeline.run.executors.ray_cluster.host import Greeting
from pipeline.run.executors.ray_cluster.port import Cluster, RemoteWorker
from pipeline.version import code_digest

_LOOK_S = 1.0
_BEAT_S = 2.0
_TRIES = 3
"""Workers lost in a row, without a call done meanwhile, before the run ends."""
_LONGEST_PAUSE_S = 30.0
_SPARE_S = 10.0
"""For a worker that is stopped, after its grace."""
_WAIT_TOLD_S = 10.0


@dataclass(slots=True)
class _Member:
    remote: RemoteWorker
    asked_at: float
    greeting: Greeting | None = None
    in_hand: int = 0
    stopped: bool = False

    @property
    def host(self) -> str:
        return self.greeting.host if self.greeting else "a machine of the cluster"


class Fleet:
    """`Executor` of workers on a cluster. What becomes of a call, the claims tell; the cluster carries no recording."""

    def __init__(
        self,
        settings: RaySettings,
        cluster: Cluster,
        given: ExecutorParts,
        now: Callable[[], float] = time.monotonic,
        look_s: float = _LOOK_S,
    ) -> None:
        self._settings = settings
        self._cluster = cluster
        self._given = given
        self._claims = given.parts.claims
        self._signals = given.signals
        self._now = now
        self._look_s = look_s
        self._members: list[_Member] = []
        self._figures = RecogniserFigures()
        self._identity: EngineIdentity | None = None
        self._told: set[str] = set()
        self._lost_in_row = 0
        self._lost = 0
        self._ended_before = 0
        self._pause_until = 0.0
        self._left_last = 0
        self._ask_again_at = 0.0
        self._analyser = hire_here("analysis", given.parts.analyser, "run.analysis_timeout_s")

    @property
    def identity(self) -> EngineIdentity | None:
        return self._identity

    @property
    def analyser(self) -> TaskServer:
        return self._analyser

    @property
    def recogniser_pid(self) -> int | None:
        return None

    @property
    def figures(self) -> RecogniserFigures:
        return self._figures

    def load_recogniser(self) -> EngineIdentity:
        """Of the first worker, which keeps it."""
        began = self._now()
        while self._identity is None:
            self._signals.check_clock()
            self._signals.raise_if_stopping()
            self._ask_for(1)
            self._look(began, self._identify)
            if self._identity is None:
                self._signals.stopping.wait(self._look_s)
        return self._identity

    def _identify(self, member: _Member) -> None:
        self._take_news(member)
        self._identity = self._identity or member.remote.identity()
        if self._identity is not None:
            self._take_news(member)

    def work(self, run_id: str, uris: Collection[str], beat: Callable[[], None]) -> None:  # noqa: ARG002 - the workers look themselves
        self._analyser.close()  # planning is over
        began, pace = self._now(), Pace(_BEAT_S, self._now)
        self._given.recorder.queues = lambda: {"workers": sum(member.greeting is not None for member in self._members)}
        while (left := self._left(run_id)) and not self._signals.stopping.is_set():
            self._ask_for(min(self._settings.workers, math.ceil(left / self._settings.calls_per_worker)))
            self._look(began, self._work)
            self._let_go(left)
            if pace.is_due():
                beat()
            self._signals.check_clock()
            self._signals.stopping.wait(self._look_s)
        self._end(beat, self._signals.reason or "the work is done")

    def _left(self, run_id: str) -> int:
        """To count a million calls takes the database a while: it is asked for a fiftieth of the time."""
        if self._now() >= self._ask_again_at:
            asked = time.perf_counter()
            self._left_last = self._claims.left(run_id)
            self._ask_again_at = self._now() + 50 * (time.perf_counter() - asked)
        return self._left_last

    def _ask_for(self, wanted: int) -> None:
        """As many workers as are wanted; those that still wait for a machine and are not wanted any more are not."""
        for member in [waiting for waiting in self._members if waiting.greeting is None][
            : max(0, len(self._members) - wanted)
        ]:
            self._drop(member)
        if self._now() >= self._pause_until:
            self._members += [
                _Member(self._cluster.ask_for_worker(), self._now()) for _ in range(wanted - len(self._members))
            ]

    def _let_go(self, left: int) -> None:
        """At the end, workers without a call give their machines back; one stays for calls of those that are lost."""
        working = [member for member in self._members if member.greeting and not member.stopped]
        idle = [member for member in working if member.in_hand == 0]
        for member in idle[: max(0, len(working) - max(1, left))]:
            member.stopped = True
            member.remote.stop("no call is left for it")

    def _look(self, began: float, ask: Callable[[_Member], None]) -> None:
        """Ask each worker, and take out those that have ended."""
        for member in list(self._members):
            try:
                if member.greeting is None:
                    member.greeting = member.remote.greeting()
                    self._check(member.greeting)
                if member.greeting is not None:
                    ask(member)
            except EarshotError as error:
                self._take_loss(member, error)
        tally = self._given.tally
        if self._ended_before < (ended := tally.done + tally.failed + tally.skipped):
            self._ended_before, self._lost_in_row = ended, 0
        if not any(member.greeting for member in self._members):
            self._tell_of_waiting(self._now() - began)

    def _check(self, greeting: Greeting | None) -> None:
        if greeting is not None and greeting.code != (ours := code_digest()):
            raise StartupError(
                f"{greeting.host} has another version of Earshot's code ({greeting.code}) than this machine ({ours}): "
                "its rows could differ; install the same one on every machine of the cluster"
            )

    def _tell_of_waiting(self, waited_s: float) -> None:
        waiting = [member for member in self._members if member.greeting is None]
        if not waiting or self._lost:
            return
        if waited_s >= self._settings.start_timeout_s:
            raise StartupError(
                f"no worker got a machine within ray.start_timeout_s ({self._settings.start_timeout_s:g} s): "
                f"{self._cluster.why_none()}"
            )
        if waited_s >= _WAIT_TOLD_S:
            self._tell(f"workers wait for a machine: {self._cluster.why_none()}")

    def _work(self, member: _Member) -> None:
        self._take_news(member)
        figures = member.remote.figures()
        if figures is not None:
            self._figures += figures
            self._members.remove(member)
            # It found nothing to do: another one would hardly find more at once.
            self._pause_until = self._now() + _LONGEST_PAUSE_S

    def _take_news(self, member: _Member) -> None:
        news = member.remote.news()
        if news is not None:
            member.in_hand = news.in_hand
            for notice in news.notices:
                self._tell(notice, f"{member.host}: ")

    def _tell(self, notice: str, whose: str = "") -> None:
        """Once, however many workers say so."""
        if notice not in self._told:
            self._told.add(notice)
            self._given.observer.notice(whose + notice)

    def _take_loss(self, member: _Member, error: EarshotError) -> None:
        """Its calls are free for the others at once. Raises what ends the run."""
        self._drop(member)
        self._lost += 1
        self._lost_in_row += 1
        others = any(member_left.greeting for member_left in self._members)
        if self._identity is None and isinstance(error, StartupError):
            raise error  # the first one tells what is wrong with all of them
        if self._lost_in_row >= _TRIES and not others:
            if isinstance(error, StartupError):
                raise error
            raise StartupError(
                f"{counted(self._lost_in_row, 'worker')} in a row were lost before a call was done; the last one: "
                f"{error}"
            )
        pause_s = min(_LONGEST_PAUSE_S, 2.0 ** (self._lost_in_row - 1))
        self._pause_until = self._now() + pause_s
        self._given.observer.notice(
            f"{member.host}: a worker is lost ({described(error)}); its calls are done by others"
        )

    def _drop(self, member: _Member) -> None:
        member.remote.kill()
        self._members.remove(member)
        if member.greeting is not None:
            self._claims.free_of(member.greeting.name)

    def _end(self, beat: Callable[[], None], reason: str) -> None:
        """Each worker ends its calls, as far as `run.stop_grace_s` allows, and gives the others back."""
        for member in list(self._members):
            if member.greeting is None:
                self._drop(member)
            elif not member.stopped:
                member.remote.stop(reason)
        until = self._now() + self._signals.settings.stop_grace_s + _SPARE_S
        while self._members and self._now() < until and not self._abandoned():
            for member in list(self._members):
                try:
                    self._work(member)
                except EarshotError as error:
                    self._drop(member)
                    self._tell(f"a worker ended with: {described(error)}", f"{member.host}: ")
            if self._members:
                beat()
                time.sleep(min(self._look_s, 0.2))
        for member in list(self._members):
            self._drop(member)

    def _abandoned(self) -> bool:
        return self._signals.stopping.is_set() and self._signals.abandoned.is_set()

    def close(self) -> None:
        self._analyser.close()
        for member in self._members:
            member.remote.kill()
        self._members = []
        self._cluster.close()


def machines_told(asked: str, machines: Sequence[str]) -> str:
    """For `Cluster.why_none`."""
    has = "; ".join(machines[:5]) + (f"; and {len(machines) - 5} more" if len(machines) > 5 else "")
    return f"a worker asks for {asked}, the cluster has {has or 'no machine'}"
