"""Calls that people correct each night, and the word error rate that follows: config.yaml's `watch`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.config.base import Area


class WatchSettings(Area):
    """Quality watch (docs/quality-watch.md): a sample of calls goes to a sheet, corrected it comes back."""

    calls_per_night: Annotated[int, Field(ge=0, le=1000)] = 0
    """Calls drawn at the end of a run, for a sheet in the output folder and the page `/quality`; 0 for none. Further
    runs of the same day fill up to this number. No call is drawn twice."""
    seed: int = 0
    """With the date it decides which calls are drawn: the same ones from the same calls."""
    sheet: Literal["xlsx", "csv"] = "xlsx"
    """Form of the sheet."""
    within_days: Annotated[float, Field(gt=0, le=366)] = 1.0
    """`evaluate watch --draw` draws from calls of runs that began at most so many days ago."""
    nights: Annotated[int, Field(ge=1, le=3660)] = 28
    """Nights whose corrected calls are taken together for the word error rate that is shown and compared with
    `alarm_wer`."""
    alarm_wer: Annotated[float, Field(gt=0)] | None = None
    """`evaluate watch` ends with 5 where the word error rate of these nights is surely above this (0.15: 15 of 100
    words): all of its 95 % interval, over at least six calls. null for no alarm."""
    notify: bool = False
    """true: an alarm is told by the mail and webhook of `reporting.notify` (whatever its `on` says), when corrections
    came in since the last time."""

    @model_validator(mode="after")
    def _something_to_tell(self) -> Self:
        if self.notify and self.alarm_wer is None:
            raise ValueError("notify is true, but alarm_wer is null, so that there is never an alarm; set it")
        return self
