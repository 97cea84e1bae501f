"""A sheet that people fill in, and the agreement with it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from commands.evaluate.scorecards import compare_sheets, read_sheet, write_sheet
from db.ledger.store import PostgresStore
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError
from tests.db.samples import found, outcome, prepared, transcript

DRAWN: dict[str, Any] = {"scorecard": None, "calls": 6, "seed": 1}


@pytest.fixture
def settings(url: str, store: PostgresStore, run_id: str) -> Settings:
    """Eight calls with three items each."""
    for number in range(8):
        call = found(f"{number}.wav")
        call_id = store.claim_call(call, str(number), None)
        words = transcript(f"t{number}")
        store.save_call(outcome(call_id, run_id, call, audio=prepared(str(number)), words=words))
    return Settings.model_validate({"database": {"url": url}})


def filled(path: Path, into: Path, *answers: str) -> Path:
    """The sheet with these answers, over and over."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for place, row in enumerate(rows):
        row["answer"] = answers[place % len(answers)]
    with into.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    return into


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return content


def test_a_sheet_has_the_questions_and_no_answers(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    assert write_sheet(settings, path, **DRAWN) == 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["call_id"] for row in rows}) == 6
    assert [row["question"] for row in rows[:3]] == ["greeting?", "polite?", "hold?"]
    assert {row["answer"] for row in rows} == {""}
    again = tmp_path / "again.csv"
    write_sheet(settings, again, **DRAWN)
    assert again.read_bytes() == path.read_bytes(), "the same seed draws the same calls"


def test_agreement_with_the_stored_answers_and_between_two_people(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sheet.csv"
    write_sheet(settings, path, **DRAWN)
    ann = filled(path, tmp_path / "ann.csv", "Yes", "no", "n/a")
    bob = filled(path, tmp_path / "bob.csv", "yes", "no", "n/a", "no", "y", "")
    assert compare_sheets(settings, [ann, bob], seed=1, as_json=True) == 0
    found = told(capsys)["agreement"]
    assert found["ann.csv and the scorecard"]["all"]["kappa"] == 1.0
    with_bob = found["bob.csv and the scorecard"]["all"]
    assert (with_bob["items"], with_bob["agreed"]) == (15, 9)
    assert found["ann.csv and bob.csv"]["greeting"]["kappa"] == 0.0
    assert found["ann.csv and bob.csv"]["greeting"]["agreed"] == 3
    assert compare_sheets(settings, [ann, bob], seed=1, as_json=False) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "bob.csv: 3 items without an answer left out" in shown
    assert "ann.csv:" not in shown


def test_a_workbook_is_written_and_read_back(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from openpyxl import load_workbook

    path = tmp_path / "sheet.xlsx"
    write_sheet(settings, path, **DRAWN)
    book = load_workbook(path)
    sheet = book.worksheets[0]
    column = next(place for place, cell in enumerate(sheet[1], start=1) if str(cell.value).startswith("Answer"))
    for row, answer in zip(range(2, sheet.max_row + 1), ["yes", "no", "n/a"] * 6, strict=True):
        sheet.cell(row, column, answer)
    book.save(path)
    assert compare_sheets(settings, [path], seed=1, as_json=True) == 0
    assert told(capsys)["agreement"]["sheet.xlsx and the scorecard"]["all"]["kappa"] == 1.0


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("call_id,item,scorecard\n", "no column answer"),
        ("call_id,item,answer,scorecard\nx,a,yes,s\n", "row 2, call_id: 'x' is no call"),
        ("call_id,item,answer,scorecard\nCALL,a,maybe,s\n", "row 2, answer: 'maybe'; the answers are: yes, no, n/a"),
        ("call_id,item,answer,scorecard\nCALL,a,yes,s\nCALL,a,no,s\n", "row 3: a of call"),
        ("call_id,item,answer,scorecard\nCALL,a,,s\n", "no item has an answer"),
        ("call_id,item,answer,scorecard\nCALL,a,yes,s\nCALL,b,no,t\n", "holds 2 scorecards"),
    ],
)
def test_what_is_wrong_with_a_sheet_is_told_with_its_row(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text(text.replace("CALL", "8d0c2a52-7a0e-4a8e-9c3e-0c7a3f1f5a11"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"sheet\.csv") as raised:
        read_sheet(path)
    assert fault in str(raised.value)


def test_a_scorecard_that_is_not_there(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there are: service"):
        write_sheet(settings, tmp_path / "sheet.csv", scorecard="servce", calls=6, seed=1)
