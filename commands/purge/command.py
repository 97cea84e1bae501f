"""`run.py db purge`: recordings erased by age, by id or for a customer."""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from commands.permissions import let_read
from commands.purge.erase import Erased, Erasure
from commands.purge.turn import in_turn
from commands.terminal import say
from db.erasure import erasable, erasing, refuse_in_reports
from db.existing import existing_ledger
from db.jobs.forgetting import Forgotten, forget_customers, forget_old
from db.migrate import migrate
from pipeline.config.loader import load_exported
from pipeline.errors import ConfigurationError, RunLocked
from pipeline.plurals import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from db.connection import Database
    from pipeline.config.root import Settings

_LOOK_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to erase, and how."""

    before: datetime | None
    """A day; recordings of earlier days are meant."""
    calls: tuple[uuid.UUID, ...]
    customer: str | None
    with_audio: bool
    dry_run: bool
    sure: bool
    wait: bool


def purge(config: Path, overrides: Sequence[str], wish: Wish, confirm: Callable[[str], bool]) -> int:
    """Erase what is asked for; returns the exit code. `confirm` asks a person.

    Raises ConfigurationError when nothing is named, RunLocked while a run has one of the recordings among its input.
    """
    if wish.before is None and not wish.calls and wish.customer is None:
        raise ConfigurationError("db purge: say what: --before DATE, --call ID or --customer ID")
    if wish.customer is not None and not wish.customer.strip():
        raise ConfigurationError("--customer: is empty")
    settings = load_exported(config, overrides).settings
    let_read(settings.output.readable_by)
    zone = ZoneInfo(settings.input.timezone)
    before = None if wish.before is None else wish.before.replace(tzinfo=zone)
    with existing_ledger(settings.database) as database:
        migrate(database.url)
        try:
            return in_turn(
                lambda: _purge(database, settings, wish, before, confirm),
                math.inf if wish.wait else 0.0,
                _LOOK_S,
                lambda error: say(f"waiting: {error}"),
            )
        except RunLocked as error:
            raise RunLocked(f"{error} `db purge --wait` waits for it.") from None


def _purge(
    database: Database, settings: Settings, wish: Wish, before: datetime | None, confirm: Callable[[str], bool]
) -> int:
    with ExitStack() as held:
        if not wish.dry_run:
            held.enter_context(erasing(database))
        chosen = erasable(database, before=before, call_ids=wish.calls or None, customer=wish.customer)
        handed_in = _handed_in(database, wish, before, write=False)
        if not chosen and not handed_in.any:
            say("nothing to erase: the database knows no such recording")
            return 0
        if not wish.dry_run:
            refuse_in_reports(database, chosen)
        erasure = Erasure(
            database=database,
            settings=settings,
            chosen=chosen,
            why={
                "before": wish.before.date().isoformat() if wish.before else None,
                "customer": wish.customer,
                "calls": str(len(wish.calls)) if wish.calls else None,
            },
            with_audio=wish.with_audio,
        )
        _tell(erasure.preview(), wish.with_audio, "would be erased" if wish.dry_run else "to be erased")
        _tell_of_handed_in(handed_in)
        if wish.dry_run:
            say("nothing was changed")
            return 0
        if not wish.sure and not confirm(f"Erase {counted(len(chosen), 'recording')} for good?"):
            say("nothing was changed")
            return 0
        done = erasure.erase()
        handed_in = _handed_in(database, wish, before, write=True)
    _tell(done, wish.with_audio, "erased")
    _tell_of_handed_in(handed_in)
    say(f"receipt: {done.receipt}")
    return 1 if done.troubles else 0


def _handed_in(database: Database, wish: Wish, before: datetime | None, *, write: bool) -> Forgotten:
    """What is kept of calls handed in that became none, or whose calls stay."""
    if wish.calls:
        return Forgotten(jobs=0, live_calls=0)
    if wish.customer is None:
        assert before is not None
        return forget_old(database, before, write=write)
    if before is not None:
        return Forgotten(jobs=0, live_calls=0)  # a customer's calls of a time: their jobs go with them
    return forget_customers(database, wish.customer, write=write)


def _tell_of_handed_in(what: Forgotten) -> None:
    if what.any:
        say(f"  besides: {counted(what.jobs, 'job')} and {counted(what.live_calls, 'live call')} that have ended")


def _tell(what: Erased, with_audio: bool, verb: str) -> None:
    say(f"{verb}: {counted(what.recordings, 'recording')} with rows, moods, steps and matches")
    if what.rows is not None:
        say(f"  transcripts {what.rows.transcripts}, unfinished segments {what.rows.unfinished_segments}")
    say(f"  mentions in reports of {counted(what.runs, 'run')}")
    for kind, number in sorted(what.files.counts.items()):
        say(f"  {kind}: {number}")
    if with_audio:
        say("  recordings: " + (", ".join(f"{number} {kind}" for kind, number in sorted(what.audio.items())) or "none"))
    else:
        say("  the recordings themselves stay (--with-audio deletes them); runs leave them out")
    for line in what.troubles:
        say(f"  LEFT: {line}")
