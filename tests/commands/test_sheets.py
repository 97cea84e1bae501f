"""Sheets that people have filled: titles, separators, empty rows, and what is no such sheet."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook

from commands.sheets import rows_of
from commands.watch.sheet import SHEET
from pipeline.errors import ConfigurationError

TITLES = [column.title for column in SHEET.columns]
NAMES = [column.name for column in SHEET.columns]


def read(path: Path, *needed: str) -> list[tuple[int, dict[str, str]]]:
    return list(rows_of(path, SHEET, needed))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_rows_have_our_names_of_columns_whatever_separates_them(separator: str, tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    head = separator.join((TITLES[0].upper(), f"{TITLES[1]} (as written)", "Remark"))
    lines = [separator * 2, head, separator.join(("1", "two", "x")), separator * 2, separator.join(("3", "four", ""))]
    path.write_text("\ufeff" + "\n".join(lines[1:]), encoding="utf-8")
    filled = [{NAMES[0]: "1", NAMES[1]: "two", "Remark": "x"}, {NAMES[0]: "3", NAMES[1]: "four", "Remark": ""}]
    assert read(path, NAMES[0]) == [(2, filled[0]), (4, filled[1])]
    path.write_text("\n".join(lines), encoding="utf-8")
    if separator != "\t":  # tabs that begin a file are its separator, too
        assert [number for number, _ in read(path)] == [3, 5]


def test_a_workbook_is_read_like_a_csv(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in ([TITLES[0], TITLES[1]], ["1", "two"], [None, None], ["3", None]):
        sheet.append(row)
    book.save(tmp_path / "sheet.xlsx")
    assert [row[NAMES[0]] for _, row in read(tmp_path / "sheet.xlsx", NAMES[1])] == ["1", "3"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (f"{TITLES[0]},Remark\n1,x\n".encode(), rf"no column {NAMES[1]}; there are: {TITLES[0]}, Remark"),
        ("Bemerkung: schön\n".encode("latin-1"), r"cannot be read as CSV in UTF-8"),
        (f"{TITLES[1]}\n".encode() + b"x\n" * 200_000, "more than 200,000 rows"),
    ],
    ids=["a column too few", "not UTF-8", "too many rows"],
)
def test_what_is_no_such_sheet_is_told(content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_bytes(content)
    with pytest.raises(ConfigurationError, match=told):
        read(tmp_path / "sheet.csv", NAMES[1])


def test_an_empty_sheet_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text("\n,\n", encoding="utf-8")
    assert read(tmp_path / "sheet.csv", NAMES[1]) == []


def test_as_many_rows_as_are_read_are_read(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_bytes(f"{TITLES[1]}\n".encode() + b"x\n" * 199_999)
    assert sum(1 for _ in rows_of(tmp_path / "sheet.csv", SHEET, (NAMES[1],))) == 199_999
