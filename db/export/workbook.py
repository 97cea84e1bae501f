"""Tables as an XLSX workbook (ECMA-376) that a person can read at once; written row by row, in constant memory."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile
from zoneinfo import ZoneInfo

from db.export.cells import IGNORED_BY_IMPORTERS, cell_text, defused
from db.export.columns import Column, Kind, Table
from db.export.files import whole_file
from pipeline.roles import ROLE_NAMES

if TYPE_CHECKING:
    from openpyxl.cell import Cell

LONGEST_CELL = 32_767
"""UTF-16 units; a limit of the format. CSV, JSON lines and the database hold the whole text."""

MOST_ROWS = 1_048_576
"""Rows of a sheet, header included; a limit of the format."""

SECONDS_PER_DAY = 86_400
_DAY = timedelta(days=1)
_FIRST_DAY = datetime(1899, 12, 30)
"""Day 0 of the format's calendar, as it counts from March 1900 on."""

_END_OF_ROWS = b"</sheetData>"
_COPIED_AT_ONCE = 1 << 20
"""Bytes."""

_NOT_XML = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|_(?=x[0-9A-Fa-f]{4}_)")
"""Characters that XML 1.0 forbids or changes, and the underscore that would begin the escape of one."""

_FORMATS: Mapping[Kind, str] = {
    Kind.TEXT: "@",
    Kind.ROLE: "@",
    Kind.WHOLE: "0",
    Kind.NUMBER: "0.00",
    Kind.SHARE: "0%",
    Kind.DURATION: "[h]:mm:ss",
    Kind.MOMENT: "yyyy-mm-dd hh:mm",
    Kind.TRUTH: '"yes";"yes";"no"',  # LibreOffice shows 1 and 0 otherwise; Excel shows TRUE and FALSE anyhow
}
_CENTRED = frozenset({Kind.SHARE, Kind.DURATION, Kind.MOMENT, Kind.WHOLE, Kind.NUMBER, Kind.TRUTH})
"""Or they touch the text beside them."""
_LINE_HEIGHT = 15
"""Points. LibreOffice measures no row when it opens a file: without a height wrapped text lies over the next rows."""
_HIGHEST_ROW = 409
"""Points; a limit of the format."""
_HEADER_HEIGHT = 30
"""Points: two lines."""
_MOOD_COLOURS = {"negative": "F8D7DA", "positive": "D5EBDB"}

OpenRows = Callable[[Table], AbstractContextManager[Iterable[Mapping[str, Any]]]]


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A sheet whose rows wait in a file of their own."""

    member: str
    """Of the archive."""
    rows: IO[bytes]


def write_workbook(open_rows: OpenRows, tables: Sequence[Table], path: Path, *, zone: ZoneInfo) -> dict[str, int]:
    """A sheet per table; returns the rows of each by the table's title. Raises OutputUnavailable.

    The header is bold, frozen and filters; times are those of `zone`, since the format knows none. Text is stored as
    text, whatever it looks like, so that `007`, `1E5` and `=1+1` are read back as they are. Rows beyond a sheet's limit
    go on in a further sheet (`sheets_of`).
    """
    counts: dict[str, int] = {}
    with whole_file(path) as aside, _Book(zone) as book:
        for table in tables:
            with open_rows(table) as rows:
                counts[table.title] = book.add(table, iter(rows))
        book.save(aside)
    return counts


def sheets_of(rows: int) -> int:
    """How many sheets hold a table of so many rows."""
    return max(1, -(-rows // (MOST_ROWS - 1)))


class _Book:
    """A workbook being written: openpyxl makes everything but the rows, which are put in at the end.

    For a row's cells it needs six times as long as this, and XlsxWriter takes a text of `<r>…</r>` for XML.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        from openpyxl import Workbook

        self._zone = zone
        self._book = Workbook(write_only=True)
        self._sheets: list[_Sheet] = []
        self._files = ExitStack()

    def __enter__(self) -> _Book:
        return self

    def __exit__(self, *_: object) -> None:
        from openpyxl.utils.exceptions import WorkbookAlreadySaved

        self._files.close()
        for sheet in self._book.worksheets:
            with suppress(WorkbookAlreadySaved):
                sheet.close()  # or its temporary file is left open

    def add(self, table: Table, rows: Iterator[Mapping[str, Any]]) -> int:
        """Write the table's rows, on as many sheets as they need; returns how many."""
        total, number = 0, 1
        while True:
            title = table.title if number == 1 else f"{table.title} {number}"
            count = self._write_sheet(table, title, islice(rows, MOST_ROWS - 1))
            total += count
            if count < MOST_ROWS - 1:
                return total
            number += 1

    def _write_sheet(self, table: Table, title: str, rows: Iterable[Mapping[str, Any]]) -> int:
        from openpyxl.utils import get_column_letter

        sheet: Any = self._book.create_sheet(title)  # the types know no write-only sheets
        sheet.freeze_panes = "B2"
        for index, column in enumerate(table.columns, start=1):
            sheet.column_dimensions[get_column_letter(index)].width = column.width
        sheet.print_title_rows = "1:1"
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.fitToHeight = 0
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
        sheet.row_dimensions[1].height = _HEADER_HEIGHT
        sheet.append(_header(sheet, table, self._zone))
        cells = [_CellWriter(sheet, index, column, self._zone) for index, column in enumerate(table.columns, start=1)]
        count = self._keep(rows, cells)
        last = get_column_letter(len(table.columns))
        sheet.auto_filter.ref = f"A1:{last}{count + 1}"
        _colour_moods(sheet, table, count)
        return count

    def _keep(self, rows: Iterable[Mapping[str, Any]], cells: Sequence[_CellWriter]) -> int:
        """The rows of the newest sheet into a file of their own; returns how many."""
        file = self._files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - open until the book is saved
        self._sheets.append(_Sheet(f"xl/worksheets/sheet{len(self._sheets) + 1}.xml", file))
        count = 0
        for count, row in enumerate(rows, start=1):
            number = count + 1
            held = "".join([cell.holding(value, number) for cell in cells if (value := row[cell.name]) is not None])
            lines = max([1, *(cell.lines(row[cell.name]) for cell in cells if cell.wraps)])
            height = f' ht="{min(_LINE_HEIGHT * lines, _HIGHEST_ROW)}"' if lines > 1 else ""
            file.write(f'<row r="{number}"{height}>{held}</row>'.encode())
        return count

    def save(self, path: Path) -> None:
        """The archive, with each sheet's rows behind its header."""
        rows = {sheet.member: sheet.rows for sheet in self._sheets}
        with tempfile.TemporaryFile() as without_rows:
            self._book.save(without_rows)
            with ZipFile(without_rows) as made, ZipFile(path, "w", ZIP_DEFLATED) as whole:
                for member in made.infolist():
                    content = made.read(member)
                    if member.filename not in rows:
                        whole.writestr(member, content, ZIP_DEFLATED)
                        continue
                    before, end, after = content.partition(_END_OF_ROWS)
                    rows[member.filename].seek(0)
                    with whole.open(member.filename, "w", force_zip64=True) as into:
                        into.write(before)
                        shutil.copyfileobj(rows[member.filename], into, _COPIED_AT_ONCE)
                        into.write(end + after)


def _header(sheet: Any, table: Table, zone: ZoneInfo) -> list[Cell]:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Font, PatternFill

    cells = []
    for column in table.columns:
        shown = f"{column.shown} ({zone.key})" if column.kind is Kind.MOMENT and column.title else column.shown
        cell = WriteOnlyCell(sheet, value=shown)
        cell.font = Font(name="Calibri", bold=True)  # without a name LibreOffice takes one with serifs
        cell.fill = PatternFill("solid", fgColor="E8ECF1")
        cell.alignment = Alignment(vertical="top", wrap_text=True)
        cells.append(cell)
    return cells


def _colour_moods(sheet: Any, table: Table, count: int) -> None:
    """So that a filter or a glance finds what is negative; the word stays in the cell."""
    from openpyxl.formatting.rule import CellIsRule
    from openpyxl.styles import PatternFill
    from openpyxl.utils import get_column_letter

    for index, column in enumerate(table.columns, start=1):
        if not count or not (column.name == "mood" or column.name.endswith(("_mood", "_sentiment"))):
            continue
        letter = get_column_letter(index)
        for label, colour in _MOOD_COLOURS.items():
            fill = PatternFill("solid", bgColor=colour, fgColor=colour)
            rule = CellIsRule(  # type: ignore[no-untyped-call]
                operator="equal", formula=[f'"{label}"'], fill=fill
            )
            sheet.conditional_formatting.add(f"{letter}2:{letter}{count + 1}", rule)


class _CellWriter:
    """Cells of one column as SpreadsheetML (ECMA-376, 18.3.1.4), in the styles that the book holds."""

    def __init__(self, sheet: Any, index: int, column: Column, zone: ZoneInfo) -> None:
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.styles import Alignment
        from openpyxl.utils import get_column_letter

        self.name = column.name
        self.wraps = column.kind in (Kind.PROSE, Kind.LABELS)
        self._width = column.width
        self._letter = get_column_letter(index)
        self._kind = column.kind
        self._zone = zone
        plain, quoted = WriteOnlyCell(sheet), WriteOnlyCell(sheet)
        for cell in (plain, quoted):
            cell.number_format = _FORMATS.get(column.kind, "General")
            cell.alignment = Alignment(
                vertical="top",
                wrap_text=self.wraps,
                horizontal="center" if column.kind in _CENTRED else None,
            )
        quoted.quotePrefix = True
        self._plain, self._quoted = plain.style_id, quoted.style_id

    def lines(self, value: Any) -> int:
        """About how many lines a wrapped text takes; words that do not fit make it a little more than its length."""
        if not isinstance(value, str):
            return 1
        return sum(1 + int(len(line) / (0.95 * self._width)) for line in value.split("\n"))

    def holding(self, value: Any, row: int) -> str:
        if isinstance(value, bool):
            return f'<c r="{self._letter}{row}" s="{self._plain}" t="b"><v>{value:d}</v></c>'
        if isinstance(value, datetime):
            value = (value.astimezone(self._zone).replace(tzinfo=None) - _FIRST_DAY) / _DAY
        elif isinstance(value, int | float) and self._kind is Kind.DURATION:
            value /= SECONDS_PER_DAY
        if isinstance(value, int | float):
            return f'<c r="{self._letter}{row}" s="{self._plain}"><v>{value!r}</v></c>'
        if self._kind is Kind.LABELS:
            value = tuple(value)
        if self._kind is Kind.ROLE:
            value = ROLE_NAMES.get(value, value)
        text = value if isinstance(value, str) else cell_text(value)
        style = self._quoted if _could_be_taken_for_more(text) else self._plain
        return (
            f'<c r="{self._letter}{row}" s="{style}" t="inlineStr"><is><t xml:space="preserve">'
            f"{escape(xml_text(text))}</t></is></c>"
        )


def _could_be_taken_for_more(text: str) -> bool:
    """Whether a spreadsheet could make a formula or another value of it once a person edits the cell."""
    return text[:1] in "'+-.0123456789" or text[:1] in IGNORED_BY_IMPORTERS or defused(text) != text


def xml_text(text: str) -> str:
    """As a cell holds the text: what XML has no place for as `_xHHHH_` (ECMA-376, ST_Xstring), at most LONGEST_CELL."""
    units = text.encode("utf-16-le", "surrogatepass")
    if len(units) > 2 * LONGEST_CELL:
        text = units[: 2 * (LONGEST_CELL - 1)].decode("utf-16-le", "ignore") + "…"
    return _NOT_XML.sub(lambda match: f"_x{ord(match[0]):04X}_", text)
