"""Cells: formulas defused, values readable back."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.export.cells import IGNORED_BY_IMPORTERS, cell_text, defused

DANGEROUS = "=+-@\t\r＝＋－＠﹦﹢﹣﹫"


@pytest.mark.parametrize("first", DANGEROUS)
@pytest.mark.parametrize("before", ["", " ", "\u00a0", "\ufeff", "\u200b"])
def test_formulas_are_defused(first: str, before: str) -> None:
    assert defused(f"{before}{first}cmd|' /C calc'!A0") == f"'{before}{first}cmd|' /C calc'!A0"


@pytest.mark.parametrize("text", ["-5", "-5.25", "-1e-07", "12", "hello - there", "a=b", "", "«oui»", "'quoted"])
def test_harmless_text_stays(text: str) -> None:
    assert defused(text) == text


@pytest.mark.parametrize("text", ["-5+3", "--5", "+5", "-", "-a", "-١", "-5\n=1"])
def test_what_only_looks_like_a_number(text: str) -> None:
    assert defused(text) == "'" + text


@given(st.text())
def test_no_text_cell_begins_like_a_formula(text: str) -> None:
    cell = defused(text)
    assert cell.removeprefix("'") == text.removeprefix("'") or cell == text
    visible = cell.lstrip(IGNORED_BY_IMPORTERS + "\t\r\n")
    if visible and unicodedata.normalize("NFKC", visible[0])[0] in "=+-@":
        float(cell)  # a plain number, or this raises


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
def test_a_row_reads_back(values: list[Any]) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerow([cell_text(value) for value in values])
    (read,) = csv.reader(io.StringIO(buffer.getvalue(), newline="")) if buffer.getvalue().strip() else ([""],)
    for value, cell in zip(values, read, strict=True):
        if value is None:
            assert cell == ""
        elif isinstance(value, float):
            assert float(cell) == value
        elif isinstance(value, dict):
            assert json.loads(cell) == value
        else:
            assert cell in (value, "'" + value)
