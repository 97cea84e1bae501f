"""`run.py evaluate scorecard`: sheets for people to score calls, and how far the scorecard agrees with them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from commands.console import Terminal, cell, table
from commands.sheets import check_ending, rows_of, write_sheet_of
from commands.terminal import say, say_json
from db.existing import existing_ledger
from db.export.columns import Column, Kind, Table
from db.queries.attention import answers_of, drawn_answers, scorecards
from pipeline.agreement import Agreement, Pair, agreement
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError
from pipeline.masking import excerpt
from pipeline.plurals import counted

SHEET = Table(
    name="scorecard",
    title="Scorecard",
    columns=(
        Column("file_name", "Recording", width=44),
        Column("started_at", "Began", Kind.MOMENT, 17),
        Column("duration_s", "Length", Kind.DURATION, 10),
        Column("question", "Question", Kind.PROSE, 50),
        Column("answer", "Answer (yes, no, n/a)", width=14),
        Column("note", "Note", Kind.PROSE, 30),
        Column("scorecard", "Scorecard", width=14),
        Column("item", "Item", width=24),
        Column("call_id", "Call", width=38),
    ),
    for_people=True,
)
_NEEDED = ("call_id", "item", "answer", "scorecard")
_ANSWERS = {"yes": "yes", "y": "yes", "no": "no", "n": "no", "n/a": "n/a", "na": "n/a", "-": "n/a"}


@dataclass(frozen=True, slots=True)
class FilledSheet:
    """What a person answered."""

    path: Path
    scorecard: str
    answers: Mapping[tuple[str, str], str]
    """By call and item."""
    empty: int
    """Items without an answer."""


def write_sheet(settings: Settings, path: Path, *, scorecard: str | None, calls: int, seed: int) -> int:
    """Draw calls and write their questions without answers. Raises ConfigurationError, OutputUnavailable."""
    check_ending(path)
    with existing_ledger(settings.database) as database:
        known = scorecards(database)
        name = _chosen(scorecard, known, settings)
        items = drawn_answers(database, name, calls, seed)
    rows = [{**asdict(item), "answer": None, "note": None, "scorecard": name} for item in items]
    write_sheet_of(rows, SHEET, path, ZoneInfo(settings.input.timezone))
    say(f"{path}: {counted(len({item.call_id for item in items}), 'call')}, {counted(len(items), 'question')}")
    return 0


def _chosen(name: str | None, known: Sequence[str], settings: Settings) -> str:
    if not known:
        raise ConfigurationError(
            f"no call has a result of a scorecard; give the rule file (attention.rules is {settings.attention.rules}) "
            "a scorecard and run again"
        )
    if name is None and len(known) > 1:
        raise ConfigurationError(f"there are several scorecards; name one with --scorecard: {', '.join(known)}")
    if name is not None and name not in known:
        raise ConfigurationError(f"--scorecard {name}: no call has a result of it; there are: {', '.join(known)}")
    return name or known[0]


def compare_sheets(settings: Settings, paths: Sequence[Path], *, seed: int, as_json: bool) -> int:
    """Print the agreement of each sheet with the stored answers, and of two with each other."""
    sheets = [read_sheet(path) for path in paths]
    raters: list[tuple[str, Mapping[tuple[str, str], Pair]]] = []
    with existing_ledger(settings.database) as database:
        for sheet in sheets:
            stored = answers_of(database, sheet.scorecard, sorted({call for call, _ in sheet.answers}))
            raters.append((f"{sheet.path.name} and the scorecard", _paired(sheet.answers, stored)))
    if len(sheets) == 2:
        first, second = sheets
        raters.append((f"{first.path.name} and {second.path.name}", _paired(first.answers, second.answers)))
    found = [(title, _by_item(pairs, seed)) for title, pairs in raters]
    if as_json:
        say_json({
            "sheets": [
                {"path": str(s.path), "scorecard": s.scorecard, "answers": len(s.answers), "empty": s.empty}
                for s in sheets
            ],
            "agreement": {title: {item: asdict(agreed) for item, agreed in items.items()} for title, items in found},
        })  # fmt: skip
        return 0
    terminal = Terminal()
    for title, items in found:
        terminal.print(_table(title, items))
    for sheet in sheets:
        if sheet.empty:
            terminal.print(f"{sheet.path.name}: {counted(sheet.empty, 'item')} without an answer left out")
    return 0


def _paired(first: Mapping[tuple[str, str], str], second: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], Pair]:
    both = {key: (answer, second[key]) for key, answer in first.items() if key in second}
    if not both:
        raise ConfigurationError("the sheet and what it is compared with have no call and item in common")
    return both


def _by_item(pairs: Mapping[tuple[str, str], Pair], seed: int) -> dict[str, Agreement]:
    """Of all items, and of each."""
    items = list(dict.fromkeys(item for _, item in pairs))
    return {name: agreement(list(_of_calls(pairs, name)), seed) for name in ("all", *items)}


def _of_calls(pairs: Mapping[tuple[str, str], Pair], item: str) -> Iterator[list[Pair]]:
    calls: dict[str, list[Pair]] = {}
    for (call, own), pair in pairs.items():
        if item in ("all", own):
            calls.setdefault(call, []).append(pair)
    yield from calls.values()


def _table(title: str, items: Mapping[str, Agreement]) -> Any:
    shown = table(title, ("item", "calls", "items", "agreed", "kappa", "95 %"), figures=True)
    for name, item in items.items():
        kappa = "–" if item.kappa is None else f"{item.kappa:.2f}"
        bounds = "–" if item.low is None or item.high is None else f"{item.low:.2f} to {item.high:.2f}"
        agreed = f"{item.agreed / item.items:.0%}" if item.items else "–"
        shown.add_row(cell(name), str(item.calls), str(item.items), agreed, kappa, bounds)
    return shown


# ---------------------------------------------------------------------------------------- reading


def read_sheet(path: Path) -> FilledSheet:
    """A filled sheet. Raises ConfigurationError with file, row and column for what cannot be read."""
    answers: dict[tuple[str, str], str] = {}
    names: set[str] = set()
    empty = 0
    for number, row in rows_of(path, SHEET, _NEEDED):
        where = f"{path}, row {number}"
        try:
            call = str(uuid.UUID(row["call_id"]))
        except ValueError:
            raise ConfigurationError(f"{where}, call_id: {excerpt(row['call_id'], 60)!r} is no call") from None
        names.add(row["scorecard"])
        said = row["answer"].strip().casefold()
        if not said:
            empty += 1
        elif said not in _ANSWERS:
            raise ConfigurationError(f"{where}, answer: {excerpt(said, 60)!r}; the answers are: yes, no, n/a")
        elif (call, row["item"]) in answers:
            raise ConfigurationError(f"{where}: {row['item']} of call {call} appears twice")
        else:
            answers[call, row["item"]] = _ANSWERS[said]
    if len(names) != 1:
        raise ConfigurationError(f"{path}: holds {len(names)} scorecards ({', '.join(sorted(names))}); one is compared")
    if not answers:
        raise ConfigurationError(f"{path}: no item has an answer")
    return FilledSheet(path, names.pop(), answers, empty)
