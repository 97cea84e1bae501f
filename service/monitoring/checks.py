"""Checks of what the service depends on, within a time limit: a check that hangs has failed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from enum import StrEnum

from pipeline.errors import told
from service.monitoring.bounded import Bounded

log = logging.getLogger(__name__)


class State(StrEnum):
    """States of health, best first."""

    READY = "ready"
    DEGRADED = "degraded"
    """The service answers, but does less than it should."""
    UNREADY = "unready"
    """No requests should be sent to it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. `detail` names no path, address or person: anybody may read it."""

    state: State
    detail: str


def ready(detail: str) -> Finding:
    return Finding(State.READY, detail)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing the service depends on."""

    name: str
    look: Callable[[], Finding]
    when_it_fails: State
    """The state that an error, or no answer in time, stands for."""


class Examination:
    """All checks side by side, within `limit_s` together."""

    def __init__(self, checks: Sequence[Check], limit_s: float) -> None:
        self._checks = [(check, Bounded(f"check-{check.name}", check.look)) for check in checks]
        self._limit_s = limit_s
        self._told: dict[str, str] = {}

    def look(self) -> Mapping[str, Finding]:
        """By name, in the order of the checks."""
        asked = [(check, question.ask()) for check, question in self._checks]
        wait([future for _, future in asked], self._limit_s)
        findings = {check.name: self._found(check, future) for check, future in asked}
        self._tell_changes(findings)
        return findings

    def _found(self, check: Check, future: Future[Finding]) -> Finding:
        if not future.done():
            return Finding(check.when_it_fails, f"no answer within {self._limit_s:g} s")
        error = future.exception()
        if error is None:
            return future.result()
        log.warning("%s: %s", check.name, told(error))
        return Finding(check.when_it_fails, type(error).__name__)

    def _tell_changes(self, findings: Mapping[str, Finding]) -> None:
        for name, found in findings.items():
            if self._told.get(name, State.READY) != found.state:
                log.warning("%s is %s: %s", name, found.state.value, found.detail)
            self._told[name] = found.state


def worst(findings: Mapping[str, Finding]) -> State:
    """Of all findings; ready where there are none."""
    order = list(State)
    return max((found.state for found in findings.values()), key=order.index, default=State.READY)
