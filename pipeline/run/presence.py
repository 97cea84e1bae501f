"""A worker's signs of life, put together from what its stages count."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from pipeline.handled import ServiceUse
from pipeline.pace import Pace
from pipeline.ports import Claims
from pipeline.presence import ProviderUse, WorkerReport
from pipeline.records import EngineIdentity
from pipeline.run.tally import Tally

BEAT_S = 5.0


class Presence:
    """Tells that the worker is there, at most every `BEAT_S`, and at the end that it is gone."""

    def __init__(self, claims: Claims, tally: Tally, now: Callable[[], float] = time.monotonic) -> None:
        self._claims = claims
        self._tally = tally
        self._pace = Pace(BEAT_S, now)
        self._told = False
        self._before: Mapping[str, ServiceUse] = {}
        self._silent: frozenset[str] = frozenset()

    def beat(self, identity: EngineIdentity | None) -> None:
        if self._pace.is_due():
            self._told = True
            self._claims.present(self._report(identity))

    def leave(self, identity: EngineIdentity | None, trouble: BaseException | None = None) -> None:
        """With the last figures, and what ends it. Only after a first sign of life."""
        if self._told:
            report = replace(self._report(identity), trouble=type(trouble).__name__ if trouble else None)
            self._claims.present(report, leaving=True)

    def _report(self, identity: EngineIdentity | None) -> WorkerReport:
        with self._tally.lock:
            here = replace(self._tally.here, cost_usd=dict(self._tally.here.cost_usd))
        used = here.services
        totals: dict[str, float] = {
            "calls_done": here.done,
            "calls_failed": here.failed,
            "calls_skipped": here.skipped,
            "audio_s": here.audio_s,
            "speech_s": here.speech_s,
        }
        self._silent = frozenset(name for name, use in used.items() if self._is_silent(name, use))
        self._before = used
        for name, use in used.items():
            totals[f"llm_asked:{name}"] = use.asked
            totals[f"llm_answered:{name}"] = use.answered
        totals |= {f"llm_cost_usd:{name}": cost for name, cost in here.cost_usd.items()}
        return WorkerReport(
            engine=identity.engine if identity else None,
            model=identity.model if identity else None,
            demonstration=identity.demonstration if identity else False,
            passed_over=len(identity.passed_over) if identity else 0,
            providers={name: ProviderUse(use.asked, use.answered, name in self._silent) for name, use in used.items()},
            totals=totals,
        )

    def _is_silent(self, name: str, use: ServiceUse) -> bool:
        before = self._before.get(name, ServiceUse())
        if use.asked == before.asked:
            return name in self._silent
        return use.answered == before.answered
