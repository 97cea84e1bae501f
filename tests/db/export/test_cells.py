"""Cells: formulas defused, values readable back."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from db.export.cells import FORMULA_SIGNS, IGNORED_BY_IMPORTERS, SEPARATORS, cell_text, defused

DANGEROUS = "=+-@\t\r＝＋－＠﹦﹢﹣﹫"


@pytest.mark.parametrize("first", DANGEROUS)
@pytest.mark.parametrize("before", ["", " ", "\u00a0", "\ufeff", "\u200b"])
def test_formulas_are_defused(first: str, before: str) -> None:
    assert defused(f"{before}{first}cmd|' /C calc'!A0") == f"'{before}{first}cmd|' /C calc'!A0"


@pytest.mark.parametrize("text", ["-5", "-5.25", "-1e-07", "12", "hello - there", "a=b", "", "«oui»", "'quoted"])
def test_harmless_text_stays(text: str) -> None:
    assert defused(text) == text


@pytest.mark.parametrize("text", ["-5+3", "--5", "+5", "-", "-a", "-١", "-5\n=1", "-5\n"])
def test_what_only_looks_like_a_number(text: str) -> None:
    assert defused(text) == "'" + text


@given(st.text())
def test_no_text_cell_begins_like_a_formula(text: str) -> None:
    cell = defused(text)
    assert cell.removeprefix("'") == text.removeprefix("'") or cell == text
    visible = cell.lstrip(IGNORED_BY_IMPORTERS + "\t\r\n")
    if visible and unicodedata.normalize("NFKC", visible[0])[0] in "=+-@":
        float(cell)  # a plain number, or this raises


def test_the_signs_are_all_that_compatibility_makes_one() -> None:
    folded = {c for c in map(chr, range(0x10000)) if unicodedata.normalize("NFKC", c)[:1] in tuple("=+-@")}
    assert folded == set(FORMULA_SIGNS)


# ------------------------------------------------------------------- a file that is split where it should not be


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a;=1+1", "a;'=1+1"),
        ("a; =1+1", "a; '=1+1"),
        ('a;"=1+1"', 'a;"\'=1+1"'),
        ("a\t@SUM(A1)", "a\t'@SUM(A1)"),
        ("a\n+1+1", "a\n'+1+1"),
        ("a\r\n-1+1", "a\r\n'-1+1"),
        ("a|＝1", "a|'＝1"),
        ("=1;=2", "'=1;'=2"),
        ("a;-5", "a;-5"),
        ("a; -5; b", "a; -5; b"),
        ("a;-5.25e-3;=x", "a;-5.25e-3;'=x"),
        ("a;2026-11-20 08:30", "a;2026-11-20 08:30"),
        ("a,=1 b", "a,=1 b"),
        ("well; she said - no", "well; she said - no"),
    ],
)
def test_each_field_of_a_cell_that_is_split_is_defused(text: str, cell: str) -> None:
    assert cell_text(text, ",") == cell


def test_a_comma_separates_where_the_file_was_written_with_another_sign() -> None:
    assert cell_text("a,=1", ";") == "a,'=1"
    assert cell_text("a;=1", ";") == "a;=1", "its own delimiter stands in quotes"


def test_words_in_a_tuple_are_defused_one_by_one() -> None:
    assert cell_text(("=1+1", "mono")) == "'=1+1; mono"
    assert cell_text(("mono", "=1+1"), ",") == "mono; '=1+1"


def test_json_escapes_what_could_be_a_formula_and_reads_back() -> None:
    value = [{"quote": "hello;=1+1", "at": -0.5}, -0.25]
    text = cell_text(value, ",")
    assert ";=" not in text
    assert json.loads(text) == value


FIELDS = st.text(st.one_of(st.sampled_from(DANGEROUS + SEPARATORS + " \"'0a\u00a0"), st.characters(codec="utf-8")))
CELLS = st.one_of(FIELDS, st.lists(FIELDS).map(tuple), st.dictionaries(FIELDS, FIELDS), st.lists(st.floats(-9, 9)))


@given(st.lists(CELLS, min_size=1, max_size=4), st.sampled_from(",;\t|"), st.sampled_from(",;\t|"))
def test_no_field_is_a_formula_whatever_the_file_is_split_at(values: list[Any], written: str, read: str) -> None:
    values = [tuple(map(str, value)) if isinstance(value, tuple) else value for value in values]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=written, lineterminator="\r\n").writerow([cell_text(v, written) for v in values])
    rows = list(csv.reader(io.StringIO(buffer.getvalue(), newline=""), delimiter=read))
    for field in (field for row in rows for field in row):
        visible = field.lstrip(IGNORED_BY_IMPORTERS)
        if visible[:1] and visible[0] in FORMULA_SIGNS:
            assert re.fullmatch(r"-[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?(\s*[\"\]},;|].*)?\s*", visible, re.DOTALL), field
    if read == written:
        assert len(rows) == 1
        for value, cell in zip(values, rows[0], strict=True):
            if isinstance(value, dict | list):
                assert json.loads(cell) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (3, "3"),
        (0.1, "0.1"),
        (-0.25, "-0.25"),
        (datetime(2026, 11, 20, 8, 30, tzinfo=UTC), "2026-11-20T08:30:00+00:00"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (("truncated", "dual_mono"), "truncated; dual_mono"),
        ((), ""),
        ([], "[]"),
        ({"negative": 0.1, "neutral": 0.2, "positive": 0.7}, '{"negative": 0.1, "neutral": 0.2, "positive": 0.7}'),
        ([{"what": "remboursé"}], '[{"what": "remboursé"}]'),
    ],
)
def test_values_as_cells(value: Any, text: str) -> None:
    assert cell_text(value) == text


def test_an_unknown_kind_of_value_is_refused() -> None:
    with pytest.raises(TypeError):
        cell_text(object())


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
            st.floats(allow_nan=False, allow_infinity=False),
            st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers()),
        ),
        min_size=1,
    )
)
@example([" "])
@example([""])
@example([None])
def test_a_row_reads_back(values: list[Any]) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerow([cell_text(value) for value in values])
    (read,) = csv.reader(io.StringIO(buffer.getvalue(), newline=""))
    for value, cell in zip(values, read, strict=True):
        if value is None:
            assert cell == ""
        elif isinstance(value, float):
            assert float(cell) == value
        elif isinstance(value, dict):
            assert json.loads(cell) == value
        else:
            assert cell in (value, "'" + value)
