"""A job's events as they come (server-sent events). A follower that was cut off goes on after the last one it saw."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from sse_starlette import ServerSentEvent
from starlette.concurrency import run_in_threadpool

from pipeline.jobs import ENDED, Job, JobState
from service.jobs.answers import event_answer, job_answer
from service.jobs.room import JobRoom

LOOK_AGAIN_S = 1.0
PING_S = 15


async def events_of(
    room: JobRoom, job: Job, after: int, look_again_s: float = LOOK_AGAIN_S
) -> AsyncIterator[ServerSentEvent]:
    told: str | None = None
    while True:
        latest = await run_in_threadpool(room.jobs.job, job.job_id)
        for event in await run_in_threadpool(room.jobs.events, job.job_id, after):
            after = event.event_id
            kind = "stage" if event.kind == "stage" else "state"
            yield ServerSentEvent(event_answer(job.job_id, event).model_dump_json(), event=kind, id=str(after))
        if latest is None:
            return
        if latest.state is JobState.QUEUED:
            progress = await run_in_threadpool(room.jobs.progress, job.job_id)
            text = job_answer(latest, progress).model_dump_json(
                include={"job_id", "stage", "share_done", "calls_ahead", "time_left_s"}
            )
            if text != told:
                yield ServerSentEvent(text, event="progress")
                told = text
        if latest.state in ENDED:
            return
        await asyncio.sleep(look_again_s)
