"""The quality watch of a run that ends: what people corrected since the last one is judged, a new sample drawn."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from commands.run.notify import send
from commands.watch.drawing import draw_sample, told
from commands.watch.judging import NewJudgements, judge_corrected
from db.queries.watch import Watched, standing
from pipeline.errors import told as explained_error
from pipeline.plurals import counted

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.root import Settings

log = logging.getLogger("earshot.run")

_ALARM = "Earshot: words are heard worse than they should be"


def watch_of_run(database: Database, settings: Settings, stamp: str, run_id: str) -> None:
    """`watch.calls_per_night`. Whatever goes wrong here is logged; the run has done its work."""
    if not settings.watch.calls_per_night:
        return

    def judge() -> None:
        new = judge_corrected(database)
        watched = standing(database, settings)
        if new.calls and watched.rate is not None:
            rate = watched.rate
            log.info(
                "quality watch: %s judged now; word error rate since %s %.3f [%s]",
                counted(new.calls, "corrected call"),
                watched.since,
                rate.value,
                "one call" if rate.low is None or rate.high is None else f"{rate.low:.3f}, {rate.high:.3f}",
            )
        if watched.alarm is not None:
            log.warning("quality watch: %s", watched.alarm)
        for problem in tell_alarm(settings, watched, new):
            log.warning("%s", problem)

    def draw() -> None:
        wanted = settings.watch.calls_per_night
        sample = draw_sample(database, settings, stamp, wanted=wanted, within=timedelta(0), run_id=run_id)
        log.info("quality watch, %s", told(sample))

    _whatever_happens("quality watch: corrected calls were not judged", judge)
    _whatever_happens("watch.calls_per_night: no sheet of calls to correct was written", draw)


def tell_alarm(settings: Settings, watched: Watched, new: NewJudgements) -> list[str]:
    """`watch.notify`: once for each batch of corrections. Returns what went wrong."""
    if watched.alarm is None or not settings.watch.notify or not new.calls:
        return []
    content = {"wer": watched.rate.value if watched.rate else None, "alarm_wer": settings.watch.alarm_wer}
    return list(send(settings.reporting.notify, _ALARM, watched.alarm, content).problems)


def _whatever_happens(says: str, work: Callable[[], None]) -> None:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - the run has done its work
        log.warning("%s (%s)", says, explained_error(error))
