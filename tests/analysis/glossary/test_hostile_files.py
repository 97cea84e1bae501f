"""Glossaries from anywhere: bombs, damage, odd encodings. Every one ends with exit 2's error, file and place named."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook

from analysis.glossary.reader import load_glossary
from pipeline.errors import ConfigurationError

_SPREADSHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType='
    '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Target="xl/workbook.xml" '
    f'Type="{_DOCUMENT}/officeDocument"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_SPREADSHEETS}" xmlns:r="{_DOCUMENT}"><sheets><sheet name="topics" '
    'sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
    f'Target="sheet.xml" Type="{_DOCUMENT}/worksheet"/></Relationships>',
}
_MOST_BYTES = 60_000_000


def cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def workbook(folder: Path, rows: str, before: str = "") -> Path:
    """An .xlsx whose sheet `topics` has a heading and these rows, as XML."""
    path = folder / "g.xlsx"
    heading = f'<row r="1">{cell("A1", "topic")}</row>'
    sheet = f'<worksheet xmlns="{_SPREADSHEETS}">{before}<sheetData>{heading}{rows}</sheetData></worksheet>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (_PARTS | {"xl/sheet.xml": sheet}).items():
            archive.writestr(name, content)
    return path


BOMBS = {
    "says it is a million rows of 16,384 columns": ('<row r="2">' + cell("A2", "Bills") + "</row>", None),
    "row after row to the last column": (
        "".join(f'<row r="{n}"><c r="XFD{n}"/></row>' for n in range(2, 500)), "row 2: 16,384 columns",
    ),
    "unpacks to 40 MB": (" " * 40_000_000, "bytes when unpacked; at most 20,000,000"),
    "a cell of a million parts": (
        '<row r="2"><c r="A2" t="inlineStr"><is>' + "<r/>" * 10**6 + "</is></c></row>", "elements; at most 1,000,000",
    ),
    "not well-formed": ("<row", "not a readable .xlsx workbook"),
    "one text of 2 MB": (
        f'<row r="2">{cell("A2", "x" * 2_000_000)}</row>', r"row 2, column A \(topic\): 2000000 characters",
    ),
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_workbook_takes_no_more_memory_than_its_content(bomb: str, tmp_path: Path) -> None:
    rows, told = BOMBS[bomb]
    path = workbook(tmp_path, rows, '<dimension ref="A1:XFD1048576"/>')
    tracemalloc.start()
    try:
        if told is None:
            assert [label.topic for label in load_glossary(path).labels] == ["Bills"]
        else:
            with pytest.raises(ConfigurationError, match=told) as raised:
                load_glossary(path)
            assert str(raised.value).startswith(str(path))
        assert tracemalloc.get_traced_memory()[1] < _MOST_BYTES
    finally:
        tracemalloc.stop()


def test_twenty_thousand_topics_with_their_subtopics_are_read(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text("topic,subtopic\n" + "".join(f"t{n},s{n}\n" for n in range(20_000)), encoding="utf-8")
    glossary = load_glossary(path)
    assert len(glossary.labels) == 40_000
    assert [label.path for label in glossary.subtopics("t17")] == ["t17 > s17"]
    assert glossary.subtopics("nobody") == ()
    assert glossary.context_terms(100) == []


CSV = {
    "more rows than are read": (b"topic\n" + b"t\n" * 50_001, "row 50001: the 50,001th row"),
    "more bytes than are read": (b"topic\n" + b"x" * 20_000_001, "20,000,007 bytes; at most 20,000,000"),
    "more columns than are read": (b"topic" + b"," * 200, "row 1: 201 columns; at most 100"),
    "Latin-1": ("topic,keywords\nok,x\nÄrger,x\n".encode("latin-1"), "row 3: not UTF-8"),
    "half of UTF-16": (b"\xff\xfet\x00o\x00p\x00i\x00c\x00\x00", "not UTF-16"),
    "NUL": (b"topic\n\x00\n", "control character"),
    "one field too long": (b"topic\n" + b"x" * 200_000, r"row 2, column A \(topic\): 200000 characters"),
    "an unknown column": (b"topic," + b"y" * 90_000, "row 1, column B: unknown column"),
    "a quote left open": (b'topic\n"' + b"\n" * 1000, r"row \d+: not valid CSV"),
}  # fmt: skip


@pytest.mark.parametrize("case", CSV)
def test_a_csv_that_cannot_be_taken_is_told_with_its_row(case: str, tmp_path: Path) -> None:
    content, told = CSV[case]
    path = tmp_path / "g.csv"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=told) as raised:
        load_glossary(path)
    assert str(raised.value).startswith(str(path))
    assert len(str(raised.value)) < 3000


def test_a_csv_in_utf_16_as_spreadsheets_save_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_bytes("topic\tkeywords\nÄrger\tzu spät\n".encode("utf-16"))
    assert [(label.topic, label.keywords) for label in load_glossary(path).labels] == [("Ärger", ("zu spät",))]


def test_faults_by_the_thousand_are_counted_not_listed(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text("topic\n" + "a > b\n" * 5000, encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load_glossary(path)
    lines = str(raised.value).splitlines()
    assert len(lines) == 21
    assert lines[-1].startswith("and ")


YAML = {
    "deep": ("topics: " + "[" * 100_000, "nested deeper"),
    "a tag": ("topics: !!python/object/apply:os.system [echo]\n", "tag"),
    "aliases of aliases": (
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)),
        "alias",
    ),
    "a mapping for a text": (
        "topics:\n- topic: {" + "".join(f"k{n}: b, " for n in range(9999)) + "c: d}\n", "line 2.*must be a text",
    ),
    "a list of lists": ("topics: [[" + "a, " * 9999 + "b]]\n", "line 1.*must hold keys"),
    "a key that is no column": ("topics:\n- topic: a\n  nonsense: b\n", "column nonsense: unknown"),
    "a control character": ("topics:\n- topic: \"a\\x1bb\"\n", "control character"),
}  # fmt: skip


@pytest.mark.parametrize("case", YAML)
def test_a_yaml_that_cannot_be_taken_is_told_with_its_line(case: str, tmp_path: Path) -> None:
    content, told = YAML[case]
    path = tmp_path / "g.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=told) as raised:
        load_glossary(path)
    assert str(raised.value).startswith(str(path))
    assert len(str(raised.value)) < 1000


@pytest.mark.parametrize("damage", ["cut", "chart", "case", "text"])
def test_a_damaged_workbook_is_told_by_its_name(damage: str, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "topics"
    sheet.append(["topic"])
    sheet.append(["Bills"])
    if damage == "chart":
        book.create_chartsheet("vocabulary")
    if damage == "case":
        book.create_sheet("Topics ")
    path = tmp_path / "g.xlsx"
    book.save(path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    if damage == "text":
        path.write_text("topic\nBills\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"g\.xlsx"):
        load_glossary(path)
