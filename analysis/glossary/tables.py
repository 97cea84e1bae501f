"""A glossary's file, whatever its kind, as rows that know their place in it."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config.yaml_reader import KeyPath, read_yaml_file
from pipeline.errors import ConfigurationError
from pipeline.masking import excerpt
from pipeline.workbooks import lines_of, opened_workbook

TOPICS, VOCABULARY, ABBREVIATIONS, ABOUT = "topics", "vocabulary", "abbreviations", "about"
SHEETS: Mapping[str, tuple[str, ...]] = {
    TOPICS: ("topic", "subtopic", "definition", "keywords", "examples", "languages"),
    VOCABULARY: ("term", "meaning"),
    ABBREVIATIONS: ("abbreviation", "meaning"),
    ABOUT: ("languages",),
}
"""Sheet -> its columns. In .xlsx they are sheets; for `b2c.csv` (topics) they are files: `b2c.vocabulary.csv`, …"""
LIST_COLUMNS = frozenset({"keywords", "examples", "languages"})
_REQUIRED = {TOPICS: "topic", VOCABULARY: "term", ABBREVIATIONS: "abbreviation", ABOUT: "languages"}


MAX_BYTES = 20_000_000
"""Of a .csv, and of all that an .xlsx unpacks to."""
MAX_ELEMENTS = 1_000_000
"""Of all parts of an .xlsx; 20,000 rows of six cells are 760,000."""
MAX_ROWS = 50_000
"""Rows with anything in them, of one sheet."""
MAX_COLUMNS = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its place in the file and its cells by column, empty cells left out."""

    place: str
    """`glossary.xlsx, sheet topics, row 7`."""
    cells: Mapping[str, str]
    columns: Mapping[str, str]
    """Column -> how the file names its place (`column C (definition)`)."""

    def where(self, column: str) -> str:
        return f"{self.place}, {self.columns.get(column, f'column {column}')}"


def read_csv(path: Path) -> dict[str, list[Row]]:
    """`x.csv` (topics) and, where they exist next to it, `x.vocabulary.csv`, `x.abbreviations.csv`, `x.about.csv`.

    UTF-8 with or without a mark, or UTF-16 with one; comma, semicolon or tab between cells; `;` or `|` between the
    items of a list.
    """
    tables = {}
    for sheet in SHEETS:
        file = path if sheet == TOPICS else path.with_suffix(f".{sheet}.csv")
        if sheet == TOPICS or file.is_file():
            tables[sheet] = _csv_rows(file, sheet)
    return tables


def _csv_rows(path: Path, sheet: str) -> list[Row]:
    content = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
    if not content and path.stat().st_size:
        raise ConfigurationError(f"{path}: {path.stat().st_size:,} bytes; at most {MAX_BYTES:,} are read")
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"{path}, row {row}: not {encoding.removesuffix('-sig').upper()} ({error.reason} at byte {error.start}); "
            "save it as UTF-8"
        ) from None
    first_line = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first_line.count)
    csv.field_size_limit(MAX_BYTES)  # for the whole process; our own rules judge the length
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        lines = _within_limits(str(path), ((reader.line_num, tuple(cells)) for cells in reader))
    except csv.Error as error:
        raise ConfigurationError(f"{path}, row {reader.line_num}: not valid CSV: {error}") from None
    return _rows(str(path), sheet, lines)


def _within_limits(where: str, lines: Iterable[tuple[int, tuple[str, ...]]]) -> list[tuple[int, tuple[str, ...]]]:
    """The rows that hold anything. Raises ConfigurationError where they are too many or too wide."""
    filled: list[tuple[int, tuple[str, ...]]] = []
    for number, cells in lines:
        if len(cells) > MAX_COLUMNS:
            raise ConfigurationError(
                f"{where}, row {number}: {len(cells):,} columns; at most {MAX_COLUMNS} are read: delete the empty ones"
            )
        if any(cell.strip() for cell in cells):
            filled.append((number, cells))
        if len(filled) > MAX_ROWS:
            raise ConfigurationError(f"{where}, row {number}: the {len(filled):,}th row; at most {MAX_ROWS:,} are read")
    return filled


def read_xlsx(path: Path) -> dict[str, list[Row]]:
    """Sheets `topics` (required), `vocabulary`, `abbreviations`, `about`; sheets of other names are refused."""
    with opened_workbook(path, most_bytes=MAX_BYTES, most_elements=MAX_ELEMENTS) as workbook:
        names = {name.strip().casefold(): name for name in workbook.sheetnames}
        shown = excerpt(", ".join(workbook.sheetnames))
        if len(names) < len(workbook.sheetnames):
            raise ConfigurationError(f"{path}: two sheets differ only in case: {shown}")
        unknown = [name for key, name in names.items() if key not in SHEETS]
        if unknown:
            raise ConfigurationError(
                f"{path}, sheet {excerpt(unknown[0])}: unknown; the sheets are: {', '.join(SHEETS)}"
            )
        if TOPICS not in names:
            raise ConfigurationError(f"{path}: has no sheet {TOPICS}; its sheets are: {shown}")
        tables = {}
        for key, name in names.items():
            where = f"{path}, sheet {name}"
            tables[key] = _rows(where, key, _within_limits(where, lines_of(workbook[name])))
        return tables


def _rows(where: str, sheet: str, filled: list[tuple[int, tuple[str, ...]]]) -> list[Row]:
    """Rows under a heading line."""
    from openpyxl.utils import get_column_letter

    if not filled:
        raise ConfigurationError(f"{where}: is empty; its first row names the columns: {', '.join(SHEETS[sheet])}")
    heading_number, heading = filled[0]
    names = [cell.strip().casefold() for cell in heading]
    while names and not names[-1]:
        names.pop()
    for index, name in enumerate(names):
        place = f"{where}, row {heading_number}, column {get_column_letter(index + 1)}"
        if name not in SHEETS[sheet]:
            choices = ", ".join(SHEETS[sheet])
            raise ConfigurationError(f"{place}: unknown column {excerpt(name, 100)!r}; the columns are: {choices}")
        if name in names[:index]:
            raise ConfigurationError(f"{place}: column {name!r} appears twice")
    if _REQUIRED[sheet] not in names:
        raise ConfigurationError(f"{where}, row {heading_number}: has no column {_REQUIRED[sheet]!r}")
    columns = {name: f"column {get_column_letter(index + 1)} ({name})" for index, name in enumerate(names)}
    rows = []
    for number, cells in filled[1:]:
        for index, cell in enumerate(cells):
            if index >= len(names) and cell.strip():
                place = f"{where}, row {number}, column {get_column_letter(index + 1)}"
                raise ConfigurationError(f"{place}: a cell without a heading: {excerpt(cell, 100)!r}")
        filled_cells = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if cell.strip()}
        rows.append(Row(f"{where}, row {number}", filled_cells, columns))
    return rows


def read_yaml(path: Path) -> dict[str, list[Row]]:
    """The same tables, nested: `topics: [{topic, definition, …, subtopics: [{subtopic, …}]}]`."""
    read = read_yaml_file(path, as_text=True)
    document, lines = read.value, read.lines
    if not isinstance(document, dict):
        raise ConfigurationError(f"{path}: must hold the keys {', '.join(k for k in SHEETS if k != ABOUT)}, languages")
    known = {TOPICS, VOCABULARY, ABBREVIATIONS, "languages"}
    for key in document:
        if key not in known:
            raise ConfigurationError(
                f"{path}, line {lines[(key,)]}: unknown key {key!r}; the keys are: {', '.join(sorted(known))}"
            )
    tables: dict[str, list[Row]] = {TOPICS: []}
    if "languages" in document:
        node = {"languages": document["languages"]}
        tables[ABOUT] = [_yaml_row(ABOUT, node, f"{path}, line {lines[('languages',)]}", ())]
    for sheet in (TOPICS, VOCABULARY, ABBREVIATIONS):
        entries = document.get(sheet) or []
        if not isinstance(entries, list):
            raise ConfigurationError(f"{path}, line {lines[(sheet,)]}, {sheet}: must be a list")
        for index, entry in enumerate(entries):
            tables.setdefault(sheet, []).extend(_yaml_entry(path, sheet, index, entry, lines))
    return tables


def _yaml_entry(path: Path, sheet: str, index: int, entry: Any, lines: Mapping[KeyPath, int]) -> list[Row]:
    item = (sheet, str(index))
    line = lines.get(item, lines[(sheet,)])
    place = f"{path}, {sheet} {index + 1} (line {line})"
    rows = [_yaml_row(sheet, entry, place, ("subtopics",) if sheet == TOPICS else ())]
    below = entry.get("subtopics") or [] if sheet == TOPICS else []
    if not isinstance(below, list):
        raise ConfigurationError(f"{place}, subtopics: must be a list")
    for number, child in enumerate(below):
        child_place = f"{path}, {sheet} {index + 1}, subtopics {number + 1}"
        child_place += f" (line {lines.get((*item, 'subtopics', str(number)), line)})"
        row = _yaml_row(sheet, child, child_place, ())
        if "topic" in row.cells:
            raise ConfigurationError(f"{row.where('topic')}: a subtopic belongs to the topic above it; leave topic out")
        if "subtopic" not in row.cells:
            raise ConfigurationError(f"{row.where('subtopic')}: is missing")
        rows.append(Row(row.place, {"topic": rows[0].cells.get("topic", ""), **row.cells}, {}))
    return rows


def _yaml_row(sheet: str, node: Any, place: str, nested: tuple[str, ...]) -> Row:
    if not isinstance(node, dict):
        raise ConfigurationError(
            f"{place}: must hold keys ({', '.join(SHEETS[sheet])}), found {excerpt(repr(node), 100)}"
        )
    cells = {}
    for key, given in node.items():
        value = given
        if key in nested:
            continue
        if key not in SHEETS[sheet]:
            choices = ", ".join((*SHEETS[sheet], *nested))
            raise ConfigurationError(f"{place}, column {key}: unknown; the keys are: {choices}")
        if isinstance(value, list) and key in LIST_COLUMNS:
            # Items may hold the separators of the flat formats.
            value = "\n".join(str(item) for item in value if item is not None)
        elif isinstance(value, (list, dict)):
            raise ConfigurationError(f"{place}, column {key}: must be a text, found {excerpt(repr(value), 100)}")
        if value is not None and str(value).strip():
            cells[key] = str(value).strip()
    return Row(place, cells, {})
