"""What runs could not bring to a row: the failures that no list of calls shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from db.queries.runs import UnfinishedRun
from pages import numbers
from pipeline.plurals import counted

_UNOPENED: Mapping[str, tuple[str, str]] = {
    "bad_archive": ("damaged archive", "damaged archives"),
    "unreadable_archive": ("archive that could not be read", "archives that could not be read"),
    "unreadable_folder": ("folder that could not be listed", "folders that could not be listed"),
    "dangling_link": ("link that leads nowhere", "links that lead nowhere"),
}


def notes_of(runs: Sequence[UnfinishedRun], timezone: str) -> list[str]:
    """A sentence or two for each run."""
    return [f"The run of {numbers.moment(run.started_at, timezone)}: {'; '.join(_said_of(run))}." for run in runs]


def _said_of(run: UnfinishedRun) -> Iterator[str]:
    if run.under_way:
        yield "it is under way, and what it has not reached has no result yet"
    if run.broke_off:
        yield "it broke off, and what it had not reached has no result; the next run goes on from there"
    if run.left:
        yield f"{counted(run.left, 'recording')} left for the next run"
    if run.waiting:
        yield f"{counted(run.waiting, 'recording')} still being written when it looked, left for the next run"
    if run.not_opened:
        found = [counted(number, *_UNOPENED[reason]) for reason, number in run.not_opened.items()]
        yield f"it could not look into {', '.join(found)}; its file_statuses_*.json says which"
