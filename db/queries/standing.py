"""Where the word error rate of the last nights stands, and whether that is an alarm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from db.queries.watch import judged_calls
from pipeline.intervals import Share
from pipeline.judging.watching import Judged, alarm_of, word_error_rate

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.root import Settings


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
