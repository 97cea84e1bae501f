"""Workbooks from anywhere: read, or refused by their name before they take memory."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook

from pipeline.errors import ConfigurationError
from pipeline.workbooks import lines_of, opened_workbook


@pytest.fixture
def path(tmp_path: Path) -> Path:
    book = Workbook()
    assert book.active is not None
    for row in (["topic", None, 3], ["Bills"], [], [None, "=1+1"]):
        book.active.append(row)
    path = tmp_path / "book.xlsx"
    book.save(path)
    return path


def read(path: Path, most_bytes: int = 10**6, most_elements: int = 10**4) -> list[tuple[int, tuple[str, ...]]]:
    with opened_workbook(path, most_bytes=most_bytes, most_elements=most_elements) as book:
        return list(lines_of(book.worksheets[0]))


def test_rows_are_numbered_and_texts(path: Path) -> None:
    assert read(path) == [(1, ("topic", "", "3")), (2, ("Bills",)), (3, ()), (4, ("", ""))]


def changed(path: Path, part: str, old: bytes, new: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert old in parts[part]
    parts[part] = parts[part].replace(old, new)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/workbook.xml"])
def test_a_part_that_is_no_xml_is_told_whichever_it_is_and_whenever_it_is_read(path: Path, part: str) -> None:
    """A filled-in sheet that was damaged ended `evaluate scorecard` with a traceback."""
    changed(path, part, b"</", b"<<")
    with pytest.raises(ConfigurationError, match=r"book\.xlsx: not a readable \.xlsx workbook"):
        read(path)


def test_limits_hold_for_all_parts_together(path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"book\.xlsx: [\d,]+ bytes when unpacked; at most 1,000 are read"):
        read(path, most_bytes=1000)
    with pytest.raises(ConfigurationError, match=r"book\.xlsx: [\d,]+ elements; at most 100 are read"):
        read(path, most_elements=100)


def test_what_a_workbook_is_read_for_tells_its_own_faults(path: Path) -> None:
    with (
        pytest.raises(ConfigurationError, match="a fault of ours"),
        opened_workbook(path, most_bytes=10**6, most_elements=10**4),
    ):
        raise ConfigurationError("a fault of ours")


@pytest.mark.parametrize("content", [b"", b"topic\nBills\n", b"PK\x03\x04" + bytes(100)])
def test_a_file_that_is_no_archive_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"book\.xlsx: not a readable"):
        read(path)
