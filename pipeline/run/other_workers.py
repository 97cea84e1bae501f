"""What other workers make of a run's calls, for the run's display and its account."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from pipeline.handled import HandledAs
from pipeline.ports import Claims
from pipeline.run.context import RunObserver
from pipeline.run.planning.claimed import planned_call
from pipeline.run.signals import RunSignals
from pipeline.run.tally import Tally

_LOOK_AGAIN_S = 0.5


class Elsewhere:
    """Counts each call once that another worker has ended."""

    def __init__(self, claims: Claims, run_id: str, tally: Tally, observer: RunObserver) -> None:
        self._claims = claims
        self._run_id = run_id
        self._tally = tally
        self._observer = observer
        self._counted: set[int] = set()
        self._latest: datetime | None = None

    def look(self, at_all: bool = False) -> None:
        """Take in what has ended since the last look; `at_all`: whenever it ended."""
        for ended in self._claims.ended_elsewhere(self._run_id, None if at_all else self._latest):
            self._latest = ended.done_at
            if ended.claim_id in self._counted:
                continue
            self._counted.add(ended.claim_id)
            found, handled = planned_call(ended.call).found, ended.handled
            self._tally.take_elsewhere(found, handled)
            if handled.status is not None and handled.handled_as is not HandledAs.SKIPPED:
                self._observer.call_finished(found, handled.status, handled.detail or "")

    def wait(self, signals: RunSignals, beat: Callable[[], None], pause_s: float = _LOOK_AGAIN_S) -> None:
        """After a stop: nobody begins another call, and those under way elsewhere get what is left of the grace.

        `pause_s`: between two looks.
        """
        self._claims.withdraw(self._run_id)
        while self._claims.left(self._run_id) and not signals.abandoned.is_set():
            time.sleep(pause_s)
            signals.abandon_when_due()
            beat()
