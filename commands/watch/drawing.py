"""The night's sample: drawn at the end of a run or on request, and written to a sheet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from commands.watch.sheet import write_corrections_sheet
from db.queries.watch import calls_to_correct, draw_calls
from pipeline.plurals import counted

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.root import Settings


@dataclass(frozen=True, slots=True)
class Sample:
    """What was drawn."""

    night: date
    calls: int
    sheet: Path | None
    """None where nothing was drawn."""


def draw_sample(
    database: Database, settings: Settings, stamp: str, *, wanted: int, within: timedelta, run_id: str | None = None
) -> Sample:
    """Fill today's sample up to `wanted` calls and write those drawn now to a sheet of their own.

    Args:
        stamp: in the sheet's name.
        within: calls of runs that began at most so long ago, besides those of `run_id`.
    """
    night = datetime.now(UTC).astimezone(ZoneInfo(settings.input.timezone)).date()
    drawn = draw_calls(database, night, wanted, str(settings.watch.seed), within=within, run_id=run_id)
    if not drawn:
        return Sample(night, 0, None)
    path = settings.output.directory / f"quality_watch_{stamp}.{settings.watch.sheet}"
    write_corrections_sheet(database, settings, calls_to_correct(database, drawn), path)
    return Sample(night, len(drawn), path)


def told(sample: Sample) -> str:
    """For a person."""
    if sample.sheet is None:
        return f"{sample.night}: no further call was drawn; the sample is full, or no recent call is left to draw"
    return f"{sample.night}: {counted(sample.calls, 'call')} drawn: {sample.sheet}"
