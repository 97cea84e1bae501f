"""The workbook for people: what is in it, how it looks, and that every text survives."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import openpyxl
import psutil
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from db.connection import Database
from db.export import workbook
from db.export.columns import Column, Kind, Table
from db.export.result_rows import COLUMNS
from db.export.table_files import TableFormat, export_results, export_table, export_workbook
from db.export.tables import CALLS, TABLES, WORKBOOK
from db.export.workbook import LONGEST_CELL, MOST_ROWS, sheets_of, write_workbook, xml_text
from db.ledger.store import PostgresStore
from db.queries.chosen import CallFilter
from pipeline.config.areas.output import CsvSettings, OutputSettings
from tests.db.samples import chunk, found, outcome, transcript
from tests.pinned import assert_pinned

PARIS = ZoneInfo("Europe/Paris")
HOW = TableFormat(name="xlsx", csv=CsvSettings(), zone=PARIS)
TEXTS = Table("texts", "Texts", (Column("short"), Column("long", kind=Kind.PROSE)))


@pytest.fixture
def call_id(store: PostgresStore, run_id: str) -> str:
    call_id = store.claim_call(found(), "aa", None)
    words = transcript(
        chunks=(
            chunk(0, 0, 0.0, "My card was charged twice"),
            chunk(0, 1, 2.5, "and nobody answers"),
            chunk(1, 0, 5.0, '=HYPERLINK("http://x")'),
        )
    )
    store.save_call(outcome(call_id, run_id, words=words))
    return call_id


def of_texts(*texts: str) -> Any:
    @contextmanager
    def rows(_: Table) -> Iterator[Iterable[Mapping[str, Any]]]:
        yield ({"short": text, "long": text} for text in texts)

    return rows


def written(*texts: str) -> list[tuple[Any, ...]]:
    """The rows of a workbook of these texts as openpyxl reads them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.xlsx"
        write_workbook(of_texts(*texts), (TEXTS,), path, zone=PARIS)
        _, *rows = openpyxl.load_workbook(path)["Texts"].iter_rows()
        return rows


def test_a_workbook_for_people(database: Database, call_id: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.xlsx"
    assert export_workbook(database, CallFilter(), WORKBOOK, path, HOW) == {
        "Calls": 1, "Turns": 2, "Action items": 1, "Attention": 2,
    }  # fmt: skip
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Calls", "Turns", "Action items", "Attention"]
    sheet = book["Calls"]
    assert [sheet.freeze_panes, sheet.auto_filter.ref, sheet.print_title_rows] == ["B2", "A1:P2", "$1:$1"]
    titles = [cell.value for cell in sheet[1]]
    assert titles[:5] == ["File", "Started (Europe/Paris)", "Length", "Agent", "Customer"]
    row = dict(zip(titles, sheet[2], strict=True))
    assert row["Started (Europe/Paris)"].value == datetime(2026, 11, 20, 9, 30)
    assert row["Started (Europe/Paris)"].number_format == "yyyy-mm-dd hh:mm"
    assert row["Length"].value == timedelta(seconds=12)
    assert (row["How sure"].value, row["How sure"].number_format) == (0.8, "0%")
    assert row["Customer's mood"].value == "negative"
    assert [cell.font.name for cell in sheet[1][:2]] == ["Calibri", "Calibri"]
    doubtful = book["Turns"]["I2"]
    assert (doubtful.value, doubtful.number_format) == (False, '"yes";"yes";"no"')
    assert row["Topic"].value == "Billing > Refund"
    assert row["Outcome"].value == "refund promised"
    assert row["Action items"].value == "refund (agent)"
    assert row["Needs attention"].value == "Charged twice; Very short"
    assert row["Call id"].value == call_id
    assert row["Summary"].alignment.wrap_text
    assert 20 < sheet.column_dimensions["K"].width < 100
    assert [[cell.value for cell in line[3:7]] for line in book["Turns"].iter_rows(min_row=2)] == [
        [timedelta(0), timedelta(seconds=4.5), "Customer", "My card was charged twice and nobody answers"],
        [timedelta(seconds=5), timedelta(seconds=7), "Agent", '=HYPERLINK("http://x")'],
    ]
    why = next(book["Attention"].iter_rows(min_row=2, values_only=True))
    assert why[5:9] == (
        "Charged twice", "the customer said “charged twice” at 0:01", "hello my card was charged twice", "Customer",
    )  # fmt: skip
    what = next(book["Action items"].iter_rows(min_row=2, values_only=True))
    assert what[3:7] == ("Billing > Refund", "refund", "Agent", None)


def test_fifteen_columns_come_first() -> None:
    assert len(CALLS.columns) == 16
    assert CALLS.columns[-1].name == "call_id"


def test_no_text_is_a_formula_or_a_number(tmp_path: Path) -> None:
    texts = [
        "=1+1",
        "+49 30 1234",
        "-5",
        "@x",
        "007",
        "1E5",
        "a;=1+1",
        "'quoted",
        "#N/A",
        "12:30",
        "2026-01-01",
        "TRUE",
    ]
    for text, row in zip(texts, written(*texts), strict=True):
        assert [(cell.value, cell.data_type) for cell in row] == [(text, "s")] * 2
        assert row[0].number_format == "@", "edited in a spreadsheet, it stays what it is"
        assert row[1].quotePrefix or text in ("a;=1+1", "#N/A", "TRUE"), text


FORBIDDEN = "\x00\x08\x0b\x0c\x0e\x1f\x7f\r\ud800\udfff\ufffe\uffff"


@settings(max_examples=25)
@given(st.lists(st.text(st.one_of(st.sampled_from(FORBIDDEN + "_x0041_"), st.characters()), max_size=60), max_size=20))
@example([*FORBIDDEN, "_x0041_", "_x_x0041_", "\ufffe_xFFFE_"])
def test_any_text_survives(texts: list[str]) -> None:
    """U+FFFE is XML's to forbid, and was left out; what looks like an escape is one, and was read as another sign."""
    for text, row in zip(texts, written(*texts), strict=True):
        assert [unescape(cell.value or "") for cell in row] == [text] * 2


@pytest.mark.parametrize("text", ["é" * LONGEST_CELL, "😀" * (LONGEST_CELL // 2), "é" * (LONGEST_CELL // 2 + 1)])
def test_a_text_that_fits_a_cell_stays_whole(text: str) -> None:
    assert xml_text(text) == text
    assert xml_text(text + "😀" * (LONGEST_CELL // 2)).endswith("…")


@pytest.mark.parametrize("character", ["é", "😀"])
def test_a_text_longer_than_a_cell_is_cut(character: str) -> None:
    ((cell, _),) = written(character * (LONGEST_CELL + 1))
    assert len(cell.value.encode("utf-16-le")) // 2 in (LONGEST_CELL - 1, LONGEST_CELL)
    assert cell.value.endswith(character + "…")


def test_rows_beyond_a_sheet_go_on_in_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 4)
    path = tmp_path / "t.xlsx"
    assert write_workbook(of_texts(*"abcdefg"), (TEXTS,), path, zone=PARIS) == {"Texts": 7}
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Texts", "Texts 2", "Texts 3"]
    assert [[row[0] for row in sheet.iter_rows(min_row=2, values_only=True)] for sheet in book] == [
        ["a", "b", "c"], ["d", "e", "f"], ["g"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "sheets"), [(0, 1), (MOST_ROWS - 1, 1), (MOST_ROWS, 2), (2 * (MOST_ROWS - 1), 2), (4_000_000, 4)]
)
def test_a_table_is_of_as_many_sheets_as_it_needs(rows: int, sheets: int) -> None:
    assert sheets_of(rows) == sheets


def test_a_text_that_looks_like_the_sheet_itself_stays_text(tmp_path: Path) -> None:
    """XlsxWriter would take the first for a rich text; the others would end the row or the sheet."""
    texts = ["<r><t>bold</t></r>", "</t></is></c></row>", "</sheetData>", "a & b &amp; <c>", "  two blanks  "]
    assert [[cell.value for cell in row] for row in written(*texts)] == [[text] * 2 for text in texts]


def test_a_row_is_as_high_as_its_wrapped_text(tmp_path: Path) -> None:
    """LibreOffice showed long summaries over the rows below them."""
    texts = ["short", "a long text " * 20, "one\ntwo\nthree", "endless " * 9_000]
    path = tmp_path / "t.xlsx"
    write_workbook(of_texts(*texts), (TEXTS,), path, zone=PARIS)
    heights = [openpyxl.load_workbook(path)["Texts"].row_dimensions[row].height for row in range(2, 6)]
    assert heights[0] is None
    assert heights[1] > heights[2] == 45
    assert heights[3] == 409


def test_the_results_in_a_workbook_have_every_column(database: Database, call_id: str, tmp_path: Path) -> None:
    path = tmp_path / "results.xlsx"
    assert export_results(database, [call_id], path, OutputSettings()) == 1
    header, row = openpyxl.load_workbook(path)["results"].iter_rows()
    assert [cell.value for cell in header] == list(COLUMNS)
    read = dict(zip(COLUMNS, row, strict=True))
    assert (read["agent_transcription"].value, read["agent_transcription"].data_type) == ('=HYPERLINK("http://x")', "s")
    assert read["agent_text_confidence"].value == 0.7
    assert isinstance(read["started_at"].value, datetime)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_without_a_call(database: Database, tmp_path: Path, name: str) -> None:
    path = tmp_path / "t.xlsx"
    assert export_table(database, CallFilter(), TABLES[name], path, HOW) == 0
    (header,) = openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)
    assert len(header) == len(TABLES[name].columns)


def test_a_workbook_that_breaks_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    path.write_bytes(b"before")

    @contextmanager
    def breaking(_: Table) -> Iterator[Iterable[Mapping[str, Any]]]:
        yield iter([{"short": "a", "long": "b"}, {}])

    with pytest.raises(KeyError):
        write_workbook(breaking, (TEXTS,), path, zone=PARIS)
    assert path.read_bytes() == b"before"
    assert [one.name for one in tmp_path.iterdir()] == ["t.xlsx"]
    assert [file.path for file in psutil.Process().open_files() if "openpyxl" in file.path] == []


OF_EVERY_KIND = Table(
    "kinds",
    "Kinds",
    (
        *(Column(kind.name.lower(), kind=kind, title=f"The {kind.name.lower()}") for kind in Kind),
        Column("mood"),
        Column("client_sentiment", width=30),
    ),
)
MOMENT = datetime(2026, 11, 20, 8, 30, tzinfo=PARIS)
VALUES: dict[Kind, tuple[Any, Any]] = {
    Kind.WHOLE: (3, 0), Kind.NUMBER: (2.5, -1.0), Kind.SHARE: (0.25, 1), Kind.DURATION: (90, 0.5),
    Kind.MOMENT: (MOMENT, MOMENT), Kind.TRUTH: (True, False), Kind.ROLE: ("client", "else"),
    Kind.LABELS: (["a", "b"], []), Kind.PROSE: ("word " * 80, "one\ntwo\nthree"),
}  # fmt: skip


def test_cells_styles_and_sheet_are_as_before(tmp_path: Path) -> None:
    @contextmanager
    def rows(_: Table) -> Iterator[Iterable[Mapping[str, Any]]]:
        values = [
            {column.name: VALUES.get(column.kind, ("=1+1", "plain <&>"))[place] for column in OF_EVERY_KIND.columns}
            for place in (0, 1)
        ]
        yield [*values, dict.fromkeys(values[0])]

    path = tmp_path / "kinds.xlsx"
    assert write_workbook(rows, (OF_EVERY_KIND,), path, zone=PARIS) == {"Kinds": 3}
    with ZipFile(path) as archive:
        for member in ("xl/worksheets/sheet1.xml", "xl/styles.xml"):
            assert_pinned(Path(member).name, archive.read(member).decode())


def test_a_table_without_rows_has_its_header_alone(tmp_path: Path) -> None:
    path = tmp_path / "none.xlsx"
    assert write_workbook(of_texts(), (TEXTS,), path, zone=PARIS) == {"Texts": 0}
    sheet = openpyxl.load_workbook(path)["Texts"]
    assert (sheet.max_row, sheet.auto_filter.ref) == (1, "A1:B1")
    assert not sheet.conditional_formatting
