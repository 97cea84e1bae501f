"""`retention.days`: old calls erased at the end of a run, under its lock."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from db.erasure import erasable, erasing, in_reports
from db.jobs.forgetting import forget_old
from pipeline.errors import EarshotError
from pipeline.plurals import counted

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.root import Settings

log = logging.getLogger("earshot.run")


def erase_old_calls(
    database: Database,
    settings: Settings,
    log_file: Path | None,
    now: datetime | None = None,
    run_id: str | None = None,
) -> bool:
    """Erase what is older than `retention.days`; returns False when something of it is left. Says how many there were.

    Left, and told: files that could not be changed or deleted, and with `retention.delete_recordings` the recordings in
    archives and buckets, which are never deleted. What a log says of a call that is erased in the same run stays there:
    `log_file` is being written, and later runs no longer know the call. What another run under way has among its input
    is left to a later run; `run_id` is the one that erases. Old jobs go as well (`forget_old_jobs`).
    """
    forget_old_jobs(database, settings, now)
    days = settings.retention.days
    if days is None:
        return True
    before = (now or datetime.now(UTC)) - timedelta(days=days)
    try:
        with erasing(database):
            chosen = erasable(database, before=before)
            others = in_reports(database, chosen, run_id)
            chosen = [call for call in chosen if call.call_id not in others]
            if not chosen:
                return True
            from commands.purge.erase import Erasure  # most runs erase nothing

            done = Erasure(
                database=database,
                settings=settings,
                chosen=chosen,
                why={"before": before.isoformat(timespec="seconds")},
                with_audio=settings.retention.delete_recordings,
                keep=None if log_file is None else log_file.resolve(),
                by_run=run_id,
            ).erase()
    except EarshotError as error:
        log.error("old calls could not be erased (retention.days): %s", error)
        return False
    log.warning(
        "%s erased, over %s old; receipt %s", counted(done.recordings, "recording"), counted(days, "day"), done.receipt
    )
    for trouble in done.troubles:
        log.error("erased in part: %s", trouble)
    return not done.troubles


def forget_old_jobs(database: Database, settings: Settings, now: datetime | None = None) -> None:
    """`retention.jobs_days`; says how many went, and logs what kept them."""
    days = settings.retention.jobs_days
    if days is None:
        return
    try:
        gone = forget_old(database, (now or datetime.now(UTC)) - timedelta(days=days))
    except EarshotError as error:
        log.error("old jobs could not be forgotten (retention.jobs_days): %s", error)
        return
    if gone.any:
        log.info(
            "%s and %s forgotten, which ended over %s ago",
            counted(gone.jobs, "job"), counted(gone.live_calls, "live call"), counted(days, "day"),
        )  # fmt: skip
