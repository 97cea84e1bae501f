"""Sheets that people fill in: written as .xlsx or .csv, and read back as whatever spreadsheet program wrote them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from db.export.columns import Table
from db.export.csv_file import write_csv
from db.export.workbook import write_workbook
from pipeline.errors import ConfigurationError
from pipeline.workbooks import lines_of, opened_workbook

_ENDINGS = frozenset({".xlsx", ".csv"})
_MAX_ROWS = 200_000
_MAX_BYTES = 200_000_000
_MAX_ELEMENTS = 4_000_000


def check_ending(path: Path) -> None:
    """Raises ConfigurationError for a sheet of another form."""
    if path.suffix.lower() not in _ENDINGS:
        raise ConfigurationError(f"--sheet {path}: must end in .xlsx or .csv")


def write_sheet_of(rows: Sequence[Mapping[str, Any]], sheet: Table, path: Path, zone: ZoneInfo) -> None:
    """Raises OutputUnavailable."""
    if path.suffix.lower() == ".xlsx":
        write_workbook(lambda _: nullcontext(rows), [sheet], path, zone=zone)
    else:
        write_csv(rows, sheet, path, zone=zone, byte_order_mark=True)


def rows_of(path: Path, sheet: Table, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows with their numbers, by our names of columns; empty rows are passed over.

    Raises ConfigurationError where the file cannot be read, and where it lacks a column that is `needed`.
    """
    titles = {column.title.casefold(): column.name for column in sheet.columns}
    numbered = enumerate(_xlsx(path) if path.suffix.lower() == ".xlsx" else _csv(path), start=1)
    filled = ((number, cells) for number, cells in numbered if any(cells))
    _, first = next(filled, (0, []))
    header = [_column(text, titles) for text in first]
    missing = [name for name in needed if name not in header]
    if missing and first:
        raise ConfigurationError(f"{path}: no column {missing[0]}; there are: {', '.join(filter(None, first))}")
    for number, cells in filled:
        if number > _MAX_ROWS:
            raise ConfigurationError(f"{path}: more than {_MAX_ROWS:,} rows")
        yield number, {**dict.fromkeys(needed, ""), **dict(zip(header, cells, strict=False))}


def _column(title: str, titles: Mapping[str, str]) -> str:
    """Our name of a column, by its title with or without what stands in brackets behind it."""
    return titles.get(title.casefold()) or titles.get(title.partition(" (")[0].casefold()) or title


def _csv(path: Path) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            yield from csv.reader(file, delimiter=max(",;\t", key=first.count))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path}: cannot be read as CSV in UTF-8: {error}") from None


def _xlsx(path: Path) -> Iterator[Sequence[str]]:
    with opened_workbook(path, most_bytes=_MAX_BYTES, most_elements=_MAX_ELEMENTS) as book:
        yield from (cells for _, cells in lines_of(book.worksheets[0]))
