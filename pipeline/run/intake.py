"""Jobs become calls of the ordinary pipeline: planned as a run plans, done by whichever worker claims them.

It compares what the tables say, again and again, and needs no memory of its own: it goes on where a process before it
was killed, and takes in what a nightly run or another machine has done.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from pipeline.config.areas.run import RunSettings
from pipeline.errors import EarshotError, InputUnavailable, RunLocked
from pipeline.jobs import Job, JobEnd, Jobs, JobState
from pipeline.ports import CallStore, Claims
from pipeline.records import CallStatus, FoundCall, SkippedFile
from pipeline.run.planning.claimed import as_json
from pipeline.run.planning.plan import Action, Plan, PlannedCall
from pipeline.run.planning.planner import Planner
from pipeline.run.planning.recipes import Recipe

log = logging.getLogger("earshot.service")

_AT_ONCE = 100
_IDLE_S = 10.0
"""A run without calls ends after this long."""
_LONGEST_S = 3600.0
"""Then its open calls are handed to a new run: only calls of runs that have ended are delivered by others."""
_LOCKED_S = 30.0
"""Wait where another service plans the same folder."""


class IntakeRuns(Protocol):
    """The runs in which jobs are done. Every method may raise DatabaseUnavailable."""

    def resume(self) -> str | None:
        """The run that a service before this one left open. Raises RunLocked while that one lives."""
        ...

    def begin(self) -> str:
        """Raises RunLocked."""
        ...

    def succeed(self, run_id: str, counts: Mapping[str, int]) -> str:
        """A new run that takes over the open calls of `run_id`, which ends."""
        ...

    def heartbeat(self, run_id: str, progress: Mapping[str, object]) -> None: ...

    def end(self, run_id: str, counts: Mapping[str, int]) -> None: ...

    def close(self) -> None: ...


class Intake:
    """Used from one thread: `beat` every second or so, `close`."""

    def __init__(
        self,
        *,
        jobs: Jobs,
        runs: IntakeRuns,
        store: CallStore,
        claims: Claims,
        offered: Callable[[Job], Sequence[FoundCall | SkippedFile]],
        settings: RunSettings,
        recipe: Recipe,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`offered`: what lies at a job's address, with its metadata. Raises InputUnavailable, OSError."""
        self._jobs = jobs
        self._runs = runs
        self._store = store
        self._claims = claims
        self._offered = offered
        self._planner = Planner(
            settings=settings.model_copy(update={"limit": None}),
            recipe=recipe,
            store=store,
            stale_steps=lambda calls, _: [frozenset() for _ in calls],  # calls that are done are not planned again here
        )
        self._now = now
        self._run_id: str | None = None
        self._began = 0.0
        self._idle_since = 0.0
        self._locked_until: float | None = None

    def beat(self) -> None:
        """Take in what has ended, and plan what has come. Raises DatabaseUnavailable."""
        self._jobs.settle()
        self._jobs.tell_stages()
        while waiting := self._jobs.to_plan(_AT_ONCE):
            if not self._has_run():
                return
            self._plan(waiting)
            if len(waiting) < _AT_ONCE:
                break
        self._keep_run()

    def close(self) -> None:
        """End the run if nothing of it is left; else the next service, or a worker, goes on with it."""
        run_id, self._run_id = self._run_id, None
        try:
            if run_id is not None and self._claims.left(run_id) == 0:
                self._jobs.settle()
                self._runs.end(run_id, self._claims.outcomes(run_id))
        finally:
            self._runs.close()

    def _has_run(self) -> bool:
        now = self._now()
        if self._run_id is not None:
            return True
        if self._locked_until is not None and now < self._locked_until:
            return False
        try:
            self._run_id = self._runs.resume() or self._runs.begin()
        except RunLocked as error:
            if self._locked_until is None:
                log.warning("jobs are planned by another service: %s", error)
            self._locked_until = now + _LOCKED_S
            return False
        self._locked_until = None
        self._began = self._idle_since = now
        return True

    def _keep_run(self) -> None:
        if self._run_id is None:
            return
        now, left = self._now(), self._claims.left(self._run_id)
        if left:
            self._idle_since = now
        if now - self._idle_since > _IDLE_S:
            self._jobs.settle()
            self._runs.end(self._run_id, self._claims.outcomes(self._run_id))
            self._run_id = None
        elif now - self._began > _LONGEST_S:
            self._jobs.settle()
            self._run_id = self._runs.succeed(self._run_id, self._claims.outcomes(self._run_id))
            self._began = now
        else:
            self._runs.heartbeat(self._run_id, {"total": left, "jobs": True})

    def _plan(self, waiting: Sequence[Job]) -> None:
        by_address = {job.source_uri: job for job in waiting if job.source_uri is not None}
        ends = self._known(by_address)
        for end in ends:
            by_address = {uri: job for uri, job in by_address.items() if job.job_id != end.job_id}
        offered: list[FoundCall | SkippedFile] = []
        for uri, job in by_address.items():
            found = [item for item in self._look(job) if item.source_uri == uri]
            offered += found
            if not found:
                ends.append(_failed(job, "recording_gone", "its recording is not where it was stored"))
        plan = self._planner.plan(offered)
        ends += _not_to_do(plan, by_address)
        self._enqueue(plan.to_do, by_address)
        told = {end.job_id for end in ends} | {by_address[call.found.source_uri].job_id for call in plan.to_do}
        ends += [
            _failed(job, "erased", "this recording was erased (db purge)")
            for job in by_address.values()
            if job.job_id not in told
        ]
        self._jobs.end(ends)

    def _known(self, by_address: Mapping[str, Job]) -> list[JobEnd]:
        """Jobs whose calls are done already: a nightly run over the folder was faster."""
        return [
            JobEnd(job_id=by_address[uri].job_id, state=JobState.DONE, call_id=known.call_id)
            for uri, known in self._store.known_calls(list(by_address)).items()
            if known.status is CallStatus.DONE
        ]

    def _look(self, job: Job) -> Sequence[FoundCall | SkippedFile]:
        try:
            return self._offered(job)
        except (InputUnavailable, OSError) as error:
            log.warning("job %s: %s", job.job_id, error)
            return ()
        except EarshotError as error:
            log.warning("job %s cannot be planned: %s", job.job_id, error)
            return ()

    def _enqueue(self, calls: Sequence[PlannedCall], by_address: Mapping[str, Job]) -> None:
        """What another run has already is left to it: the job ends with the call, whoever does it."""
        assert self._run_id is not None
        by_priority: dict[int, dict[str, str]] = defaultdict(dict)
        for call in calls:
            job = by_address[call.found.source_uri]
            by_priority[job.priority][call.found.source_uri] = as_json(call)
        for priority, planned in sorted(by_priority.items(), reverse=True):
            self._claims.enqueue(self._run_id, planned, priority)
            self._jobs.queued([by_address[uri].job_id for uri in planned])


def _not_to_do(plan: Plan, by_address: Mapping[str, Job]) -> list[JobEnd]:
    """Jobs whose recordings no worker needs to look at."""
    ends = [
        JobEnd(
            job_id=by_address[file.source_uri].job_id,
            state=JobState.SKIPPED,
            reason=file.reason,
            detail=file.message,
        )
        for file in (*plan.skipped, *plan.waiting)
    ]
    for call in (*plan.skipped_before, *plan.quarantined, *plan.undecided):
        job = by_address[call.found.source_uri]
        state = JobState.SKIPPED if call.action is Action.SKIPPED else JobState.FAILED
        reason = call.known.error_type if call.known is not None else None
        call_id = call.known.call_id if call.known is not None else None
        detail = "an earlier try ended so; run.py --reprocess failed tries again"
        ends.append(JobEnd(job_id=job.job_id, state=state, call_id=call_id, reason=reason, detail=detail))
    return ends


def _failed(job: Job, reason: str, detail: str) -> JobEnd:
    return JobEnd(job_id=job.job_id, state=JobState.FAILED, reason=reason, detail=detail)
