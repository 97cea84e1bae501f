"""Where the word error rate of the last nights stands, and whether somebody has to be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from commands.run.notify import send
from commands.watch.judging import NewJudgements
from db.queries.watch import judged_calls
from pipeline.intervals import Share
from pipeline.judging.watching import Judged, alarm_of, word_error_rate

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.root import Settings

_ALARM = "Earshot: words are heard worse than they should be"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Where the word error rate stands."""

    since: date
    judged: Sequence[Judged]
    """Of the nights taken together."""
    rate: Share | None
    """None where no call was judged."""
    alarm: str | None


def standing(database: Database, settings: Settings) -> Watched:
    """The word error rate of the last `watch.nights`, and whether it is an alarm."""
    today = datetime.now(UTC).astimezone(ZoneInfo(settings.input.timezone)).date()
    since = today - timedelta(days=settings.watch.nights - 1)
    judged = judged_calls(database, since)
    rate = word_error_rate(judged)
    alarm = alarm_of(judged, since, settings.watch.alarm_wer)
    return Watched(since=since, judged=judged, rate=rate, alarm=alarm)


def tell_alarm(settings: Settings, watched: Watched, new: NewJudgements) -> list[str]:
    """`watch.notify`: once for each batch of corrections. Returns what went wrong."""
    if watched.alarm is None or not settings.watch.notify or not new.calls:
        return []
    content = {"wer": watched.rate.value if watched.rate else None, "alarm_wer": settings.watch.alarm_wer}
    return list(send(settings.reporting.notify, _ALARM, watched.alarm, content).problems)
