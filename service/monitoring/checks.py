"""Checks of what the service stands on, each within a time limit: a check that hangs is an answer, too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.errors import told


class State(StrEnum):
    """How well something is."""

    READY = "ready"
    DEGRADED = "degraded"
    """The service answers, but does less than it should."""
    UNREADY = "unready"
    """It should not be sent requests."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. `detail` names no path, address or person."""

    state: State
    detail: str


def ready(detail: str) -> Finding:
    return Finding(State.READY, detail)


Check = Callable[[], Finding]


@dataclass(frozen=True, slots=True)
class Named:
    """A check, its name, and how much depends on it."""

    name: str
    check: Check
    when_it_fails: State
    """What an error in it or no answer in time means."""


@dataclass(slots=True)
class _UnderWay:
    future: Future[Finding] = field(default_factory=Future)


class Examination:
    """All checks side by side, within `limit_s` together.

    A check that did not end in time goes on in its thread and is not begun again before it has: however often somebody
    asks, there is at most one thread for each check.
    """

    def __init__(self, checks: Sequence[Named], limit_s: float) -> None:
        self._checks = checks
        self._limit_s = limit_s
        self._under_way: dict[str, _UnderWay] = {}
        self._lock = threading.Lock()

    def look(self) -> Mapping[str, Finding]:
        """By the name of the check, in their order."""
        with self._lock:
            for named in self._checks:
                earlier = self._under_way.get(named.name)
                if earlier is None or earlier.future.done():
                    self._under_way[named.name] = _begun(named)
            futures = {named: self._under_way[named.name].future for named in self._checks}
        wait(futures.values(), self._limit_s)
        return {named.name: self._found(named, future) for named, future in futures.items()}

    def _found(self, named: Named, future: Future[Finding]) -> Finding:
        if not future.done():
            return Finding(named.when_it_fails, f"no answer within {self._limit_s:g} s")
        return future.result()


def _begun(named: Named) -> _UnderWay:
    work = _UnderWay()

    def run() -> None:
        try:
            found = named.check()
        except Exception as error:  # noqa: BLE001 - whatever breaks a check is what it found
            found = Finding(named.when_it_fails, told(error))
        work.future.set_result(found)

    threading.Thread(target=run, name=f"check-{named.name}", daemon=True).start()
    return work


def worst(findings: Mapping[str, Finding]) -> State:
    """Of all findings; ready where there are none."""
    order = list(State)
    return max((finding.state for finding in findings.values()), key=order.index, default=State.READY)
