"""`run.py evaluate watch`: takes in what people corrected, and tells the word error rate over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.console import Terminal, cell, table
from commands.exit_codes import ExitCode
from commands.run.quality_watch import tell_alarm
from commands.sheets import check_ending
from commands.terminal import complain, say, say_json
from commands.watch.drawing import draw_sample, told
from commands.watch.judging import NewJudgements, judge_corrected
from commands.watch.sheet import read_corrections, write_corrections_sheet
from db.existing import existing_ledger
from db.queries.watch import Watched, calls_to_correct, night_figures, standing, watch_counts
from pipeline.config.loader import load_exported
from pipeline.errors import ConfigurationError
from pipeline.judging.watching import KINDS, groups_of, word_error_rate
from pipeline.plurals import counted

if TYPE_CHECKING:
    from rich.table import Table

    from db.connection import Database
    from pipeline.config.root import Settings

_NIGHTS_SHOWN = 14


def watch_transcripts(
    config: Path, overrides: Sequence[str], *, read: Sequence[Path], draw: bool, sheet: Path | None, as_json: bool
) -> int:
    """Read, judge, tell; returns the exit code: 5 for an alarm, and where corrections could not be kept.

    Raises ConfigurationError.
    """
    if sheet is not None:
        check_ending(sheet)
    settings = load_exported(config, overrides).settings
    if draw and not settings.watch.calls_per_night:
        raise ConfigurationError("evaluate watch --draw: watch.calls_per_night is 0; say how many calls to draw")
    with existing_ledger(settings.database) as database:
        if draw or sheet is not None:
            _hand_out(database, settings, draw, sheet)
            return ExitCode.DONE
        left_out = [line for path in read for line in _take_in(database, settings, path, as_json)]
        new = judge_corrected(database)
        watched = standing(database, settings)
        waiting = watch_counts(database).waiting
        if as_json:
            say_json(_as_plain(database, watched, new, waiting, left_out))
        else:
            _show(database, watched, new, waiting)
    for line in left_out:
        complain(line)
    if watched.alarm is None:
        return ExitCode.LOOK if left_out else ExitCode.DONE
    for problem in tell_alarm(settings, watched, new):
        complain(problem)
    return ExitCode.LOOK


def _hand_out(database: Database, settings: Settings, draw: bool, sheet: Path | None) -> None:
    if draw:
        sample = draw_sample(
            database,
            settings,
            f"{datetime.now(UTC):%Y%m%d_%H%M%S}",
            wanted=settings.watch.calls_per_night,
            within=timedelta(days=settings.watch.within_days),
        )
        say(told(sample))
    if sheet is not None:
        waiting = calls_to_correct(database)
        write_corrections_sheet(database, settings, waiting, sheet)
        say(f"{sheet}: {counted(len(waiting), 'call')} to correct")


def _take_in(database: Database, settings: Settings, path: Path, quietly: bool) -> list[str]:
    found = read_corrections(database, settings, path)
    if not quietly:
        unchecked = f"; {found.unchecked} without a name in “Checked by” left out" if found.unchecked else ""
        say(f"{path}: {counted(found.saved, 'call')} corrected{unchecked}")
    return [f"{path}: {line}" for line in found.left_out]


def _show(database: Database, watched: Watched, new: NewJudgements, waiting: int) -> None:
    terminal = Terminal()
    if watched.rate is None:
        terminal.print("No drawn call has been corrected yet.")
    else:
        terminal.print(_groups_table(watched))
        terminal.print(_nights_table(database, watched))
    terminal.print(f"{counted(new.calls, 'call')} judged now, {waiting} to correct")
    for name in new.gone:
        terminal.print(f"{name}: not judged, its transcript as drawn is no longer stored")
    if watched.alarm is not None:
        terminal.print(f"ALARM: {watched.alarm}")


def _groups_table(watched: Watched) -> Table:
    title = f"Word error rate of calls drawn since {watched.since}"
    shown = table(title, ("", "calls", "words", "errors", "WER, 95 %"), figures=True)
    for kind in KINDS:
        for name, group in groups_of(watched.judged, kind).items():
            rate = word_error_rate(group)
            says = "all calls" if kind == "all" else f"{kind} {name or '(not known)'}"
            shown.add_row(
                cell(says), str(len(group)), str(sum(call.words for call in group)),
                str(sum(call.errors for call in group)), "–" if rate is None else str(rate),
            )  # fmt: skip
    return shown


def _nights_table(database: Database, watched: Watched) -> Table:
    title = f"By night, the last {_NIGHTS_SHOWN} with corrections"
    shown = table(title, ("night", "calls", "WER", "95 %"), figures=True)
    for figure in night_figures(database, watched.since, all_only=True)[-_NIGHTS_SHOWN:]:
        bounds = "–" if figure.low is None or figure.high is None else f"{figure.low:.3f} to {figure.high:.3f}"
        shown.add_row(str(figure.night), str(figure.calls), f"{figure.wer:.3f}", bounds)
    return shown


def _as_plain(
    database: Database, watched: Watched, new: NewJudgements, waiting: int, left_out: Sequence[str]
) -> dict[str, Any]:
    return {
        "since": str(watched.since),
        "judged_now": new.calls,
        "to_correct": waiting,
        "not_judged": list(new.gone),
        "left_out": list(left_out),
        "alarm": watched.alarm,
        "groups": [
            {"kind": kind, "name": name, "calls": len(group), "wer": None if rate is None else asdict(rate)}
            for kind in KINDS
            for name, group in groups_of(watched.judged, kind).items()
            for rate in (word_error_rate(group),)
        ],
        "nights": [{**asdict(figure), "night": str(figure.night)} for figure in night_figures(database, watched.since)],
    }
