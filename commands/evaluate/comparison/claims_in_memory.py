"""The calls of one process that shares them with nobody: `pipeline.ports.Claims` without a database."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from pipeline.handled import EndedClaim, Handled
from pipeline.presence import WorkerReport
from pipeline.records import Claim, ClaimStage


class ClaimsInMemory:
    """Every claim holds; none ends before it is given back or ended."""

    def __init__(self) -> None:
        self._waiting: list[Claim] = []
        self._held: dict[int, Claim] = {}
        self._fence = 0

    def enqueue(self, run_id: str, calls: Mapping[str, str], priority: int = 0) -> Collection[str]:
        first = len(self._waiting) + len(self._held)
        for index, call in enumerate(calls.values(), first):
            self._waiting.append(
                Claim(claim_id=index, run_id=run_id, fence=0, call=json.loads(call), priority=priority)
            )
        return ()

    def claim(
        self,
        run_id: str | None,  # noqa: ARG002 - there is one run
        most: int,
        least_priority: int | None = None,
        in_hand: int | None = None,  # noqa: ARG002 - nobody else wants a share
    ) -> Sequence[Claim]:
        if least_priority is not None:
            return ()
        taken, self._waiting = self._waiting[:most], self._waiting[most:]
        claims = [
            Claim(claim_id=claim.claim_id, run_id=claim.run_id, fence=self._fence + number, call=claim.call)
            for number, claim in enumerate(taken, 1)
        ]
        self._fence += len(claims)
        self._held |= {claim.fence: claim for claim in claims}
        return claims

    def renew(self, fences: Collection[int]) -> None: ...

    def held(self) -> Collection[int]:
        return list(self._held)

    def give_back(self, fences: Collection[int]) -> None:
        self._waiting += [self._held.pop(fence) for fence in fences if fence in self._held]

    def end(self, claim: Claim, handled: Handled) -> None:  # noqa: ARG002 - nobody else asks what became of it
        self._held.pop(claim.fence, None)

    def end_as_lost(self, fences: Collection[int]) -> None:
        for fence in fences:
            self._held.pop(fence, None)

    def free_of_the_dead(self) -> None: ...

    def free_of(self, worker: str) -> None: ...

    def withdraw(self, run_id: str) -> None:  # noqa: ARG002 - there is one run
        self._waiting.clear()

    def ended_elsewhere(self, run_id: str, since: datetime | None) -> Sequence[EndedClaim]:  # noqa: ARG002
        return ()

    def present(self, report: WorkerReport, *, leaving: bool = False) -> None: ...

    def outcomes(self, run_id: str) -> Mapping[str, int]:  # noqa: ARG002 - nobody asks what became of them
        return {}

    def tell_stages(self, stages: Sequence[ClaimStage]) -> None: ...

    def left(self, run_id: str | None) -> int:  # noqa: ARG002 - there is one run
        return len(self._waiting) + len(self._held)
