"""What the service does in the background, put together."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from commands.purge.retention import forget_old_jobs
from commands.run.questions import index_for_questions
from commands.run.wiring import open_claims
from commands.serving.background import Task
from db.jobs.store import PostgresJobs
from db.ledger.store import PostgresStore
from db.ledger.work.intake import PostgresIntakeRuns
from pipeline.config.areas.sources import InputSettings
from pipeline.jobs import Job
from pipeline.records import FoundCall, SkippedFile
from pipeline.run.intake import Intake
from pipeline.run.planning.recipes import build_recipe
from pipeline.sources.addresses import file_path, file_uri
from pipeline.sources.source import build_source
from service.jobs.callbacks import Callbacks
from service.jobs.fetching import Fetcher
from service.jobs.folder import RecordingFolder, Sealed
from service.jobs.gatekeeper import Gatekeeper
from service.jobs.outside import OutsideHttp
from service.jobs.room import InHands, JobRoom

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.root import Settings

_PLAN_EVERY_S = 1.0
_FETCH_EVERY_S = 5.0
_CALL_BACK_EVERY_S = 2.0
_TIDY_EVERY_S = 600.0
_FORGET_EVERY_S = 3600.0


def job_room(database: Database, settings: Settings) -> JobRoom:
    """What the routes of jobs work with. Raises OSError where the folder cannot be made."""
    service = settings.service
    return JobRoom(
        jobs=PostgresJobs(database),
        folder=RecordingFolder(service.recordings_dir, Sealed() if settings.encryption.recordings else None),
        gatekeeper=Gatekeeper(settings.input.raw_formats),
        settings=service,
        accepted=threading.Event(),
        to_fetch=threading.Event(),
        in_hands=InHands(service.uploads_at_once),
        outside=OutsideHttp(service.trusted_hosts),
        secret=os.environ.get(service.callback_secret_env) or None,
    )


def tasks_of(
    room: JobRoom,
    database: Database,
    configuration: Mapping[str, object],
    configuration_hash: str,
    settings: Settings,
) -> Sequence[Task]:
    """Fetching, planning, callbacks, tidying up, and calls made ready for questions as they are done."""
    folder = file_uri(str(settings.service.recordings_dir.absolute()))
    store = PostgresStore(database, allow_downgrade=settings.run.allow_downgrade)
    intake = Intake(
        jobs=room.jobs,
        runs=PostgresIntakeRuns(database, folder, configuration, configuration_hash, socket.gethostname()),
        store=store,
        claims=open_claims(settings, database),
        offered=lambda job: offered(job, settings.input),
        settings=settings.run,
        recipe=build_recipe(settings),
    )
    fetcher, callbacks = Fetcher(room), Callbacks(room)
    return (
        Task(
            name="fetch recordings", beat=fetcher.beat, every_s=_FETCH_EVERY_S, wake=room.to_fetch, close=fetcher.close
        ),
        Task(name="call back", beat=callbacks.beat, every_s=_CALL_BACK_EVERY_S, close=callbacks.close),
        Task(name="plan jobs", beat=intake.beat, every_s=_PLAN_EVERY_S, wake=room.accepted, close=intake.close),
        Task(name="tidy up uploads", beat=lambda: tidy_up(room), every_s=_TIDY_EVERY_S),
        Task(name="forget old jobs", beat=lambda: forget_old_jobs(database, settings), every_s=_FORGET_EVERY_S),
        Task(
            name="make calls ready for questions",
            beat=lambda: index_for_questions(database, settings),
            every_s=settings.ask.index_every_s,
        ),
    )


def offered(job: Job, settings: InputSettings) -> Sequence[FoundCall | SkippedFile]:
    """What lies at a job's address, with its metadata. Raises InputUnavailable."""
    assert job.source_uri is not None
    path: Path = file_path(job.source_uri)
    of_one = settings.model_copy(update={"path": str(path), "more": (), "min_age_s": 0.0})
    return list(build_source(of_one).discover())


def tidy_up(room: JobRoom) -> None:
    """Uploads that nobody continued go, and so does what lies there without a job."""
    older_than_s = room.settings.keep_unfinished_h * 3600
    in_hands = room.in_hands.jobs
    for job in room.jobs.unfinished(datetime.now(UTC) - timedelta(seconds=older_than_s)):
        if job.job_id not in in_hands and not room.folder.is_young(job, older_than_s, time.time()):
            room.give_up(job)
    room.folder.sweep(older_than_s, time.time(), in_hands)
