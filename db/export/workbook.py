"""Tables as an XLSX workbook (ECMA-376) that a person can read at once; written row by row, in constant memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from db.export.cells import IGNORED_BY_IMPORTERS, cell_text, defused
from db.export.columns import Column, Kind, Table
from db.export.files import whole_file

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.cell import Cell

LONGEST_CELL = 32_767
"""UTF-16 units; a limit of the format. CSV, JSON lines and the database hold the whole text."""

MOST_ROWS = 1_048_576
"""Rows of a sheet, header included; a limit of the format."""

SECONDS_PER_DAY = 86_400

_NOT_XML = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|_(?=x[0-9A-Fa-f]{4}_)")
"""Characters that XML 1.0 forbids or changes, and the underscore that would begin the escape of one."""

_FORMATS: Mapping[Kind, str] = {
    Kind.TEXT: "@",
    Kind.WHOLE: "0",
    Kind.NUMBER: "0.00",
    Kind.SHARE: "0%",
    Kind.DURATION: "[h]:mm:ss",
    Kind.MOMENT: "yyyy-mm-dd hh:mm",
}
_CENTRED = frozenset({Kind.SHARE, Kind.DURATION, Kind.MOMENT, Kind.WHOLE, Kind.NUMBER})
"""Or they touch the text beside them."""
_HEADER_HEIGHT = 30
"""Points: two lines."""
_MOOD_COLOURS = {"negative": "F8D7DA", "positive": "D5EBDB"}

OpenRows = Callable[[Table], AbstractContextManager[Iterable[Mapping[str, Any]]]]


def write_workbook(open_rows: OpenRows, tables: Sequence[Table], path: Path, *, zone: ZoneInfo) -> dict[str, int]:
    """A sheet per table; returns the rows of each by the table's title. Raises OutputUnavailable.

    The header is bold, frozen and filters; times are those of `zone`, since the format knows none. Text is stored as
    text, whatever it looks like, so that `007`, `1E5` and `=1+1` are read back as they are. Rows beyond a sheet's limit
    go on in a further sheet.
    """
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    counts: dict[str, int] = {}
    with whole_file(path) as aside:
        try:
            for table in tables:
                with open_rows(table) as rows:
                    counts[table.title] = _write_table(book, table, iter(rows), zone)
        except BaseException:
            for sheet in book.worksheets:
                sheet.close()  # or its temporary file is left open
            raise
        book.save(aside)
    return counts


def _write_table(book: Workbook, table: Table, rows: Iterator[Mapping[str, Any]], zone: ZoneInfo) -> int:
    total, number = 0, 1
    while True:
        title = table.title if number == 1 else f"{table.title} {number}"
        count = _write_sheet(book, table, title, islice(rows, MOST_ROWS - 1), zone)
        total += count
        if count < MOST_ROWS - 1:
            return total
        number += 1


def _write_sheet(book: Workbook, table: Table, title: str, rows: Iterable[Mapping[str, Any]], zone: ZoneInfo) -> int:
    from openpyxl.utils import get_column_letter

    sheet: Any = book.create_sheet(title)  # the types know no write-only sheets
    sheet.freeze_panes = "B2"
    for place, column in enumerate(table.columns, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = column.width
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.row_dimensions[1].height = _HEADER_HEIGHT
    sheet.append(_header(sheet, table, zone))
    cells = [_CellWriter(sheet, column, zone) for column in table.columns]
    count = 0
    for row in rows:
        sheet.append([cell.holding(row[cell.name]) for cell in cells])
        count += 1
    last = get_column_letter(len(table.columns))
    sheet.auto_filter.ref = f"A1:{last}{count + 1}"
    _colour_moods(sheet, table, count)
    return count


def _header(sheet: Any, table: Table, zone: ZoneInfo) -> list[Cell]:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Font, PatternFill

    cells = []
    for column in table.columns:
        shown = f"{column.shown} ({zone.key})" if column.kind is Kind.MOMENT and column.title else column.shown
        cell = WriteOnlyCell(sheet, value=shown)
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="E8ECF1")
        cell.alignment = Alignment(vertical="top", wrap_text=True)
        cells.append(cell)
    return cells


def _colour_moods(sheet: Any, table: Table, count: int) -> None:
    """So that a filter or a glance finds what is negative; the word stays in the cell."""
    from openpyxl.formatting.rule import CellIsRule
    from openpyxl.styles import PatternFill
    from openpyxl.utils import get_column_letter

    for place, column in enumerate(table.columns, start=1):
        if not count or not (column.name == "mood" or column.name.endswith(("_mood", "_sentiment"))):
            continue
        letter = get_column_letter(place)
        for label, colour in _MOOD_COLOURS.items():
            fill = PatternFill("solid", bgColor=colour, fgColor=colour)
            rule = CellIsRule(  # type: ignore[no-untyped-call]
                operator="equal", formula=[f'"{label}"'], fill=fill
            )
            sheet.conditional_formatting.add(f"{letter}2:{letter}{count + 1}", rule)


class _CellWriter:
    """Cells of one column. A row is written when it is appended, so the same cells hold the next row's values."""

    def __init__(self, sheet: Any, column: Column, zone: ZoneInfo) -> None:
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.styles import Alignment

        self.name = column.name
        self._kind = column.kind
        self._zone = zone
        self._plain, self._quoted = WriteOnlyCell(sheet), WriteOnlyCell(sheet)
        for cell in (self._plain, self._quoted):
            cell.number_format = _FORMATS.get(column.kind, "General")
            cell.alignment = Alignment(
                vertical="top",
                wrap_text=column.kind in (Kind.PROSE, Kind.LABELS),
                horizontal="center" if column.kind in _CENTRED else None,
            )
        self._quoted.quotePrefix = True

    def holding(self, value: Any) -> Cell | None:
        if value is None:
            return None
        if isinstance(value, bool | int | float):
            self._plain.value = value / SECONDS_PER_DAY if self._kind is Kind.DURATION else value
            return self._plain
        if isinstance(value, datetime):
            self._plain.value = value.astimezone(self._zone).replace(tzinfo=None)
            return self._plain
        if self._kind is Kind.LABELS:
            value = tuple(value)
        text = value if isinstance(value, str) else cell_text(value)
        cell = self._quoted if _could_be_taken_for_more(text) else self._plain
        cell.value = xml_text(text)
        cell.data_type = "s"  # text, also where it begins like a formula
        return cell


def _could_be_taken_for_more(text: str) -> bool:
    """Whether a spreadsheet could make a formula or another value of it once a person edits the cell."""
    return text[:1] in "'+-.0123456789" or text[:1] in IGNORED_BY_IMPORTERS or defused(text) != text


def xml_text(text: str) -> str:
    """As a cell holds the text: what XML has no place for as `_xHHHH_` (ECMA-376, ST_Xstring), at most LONGEST_CELL."""
    if len(text) * 2 > LONGEST_CELL:
        units = text.encode("utf-16-le", "surrogatepass")
        if len(units) > 2 * LONGEST_CELL:
            text = units[: 2 * (LONGEST_CELL - 1)].decode("utf-16-le", "ignore") + "…"
    return _NOT_XML.sub(lambda match: f"_x{ord(match[0]):04X}_", text)
