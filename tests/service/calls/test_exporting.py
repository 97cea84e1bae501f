"""Exports over the API: the files that `run.py export` writes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from db.connection import Database
from pipeline.config.areas.sources import InputSettings
from pipeline.config.root import Settings
from pipeline.errors import DiskFull
from service.app import API_ROOMS, application
from service.exports import MADE_AT_ONCE, SENT_AT_ONCE, Exports
from service.problems.problem import Refused
from tests.service.calls.conftest import MANY
from tests.service.conftest import LOOPBACK, all_heard
from tests.service.test_problems import told


def test_a_table_is_that_of_the_chosen_calls(client: TestClient) -> None:
    answer = client.get("/v1/exports", params={"agent": "A1", "column": ["agent_id", "call_id"]})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''results.csv"
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0] == ["agent_id", "call_id"]
    assert [row[0] for row in rows[1:]] == ["A1"] * 4


def test_every_format_can_be_read(client: TestClient) -> None:
    lines = client.get("/v1/exports?format=jsonl").text.splitlines()
    assert {json.loads(line)["status"] for line in lines} > {"done"}
    assert len(lines) == MANY
    parquet = client.get("/v1/exports?format=parquet&table=chunks").content
    assert pq.read_table(io.BytesIO(parquet)).num_rows == 3 * (MANY - 1)
    book = openpyxl.load_workbook(io.BytesIO(client.get("/v1/exports?format=xlsx").content), read_only=True)
    assert book.sheetnames == ["Calls", "Turns", "Action items", "Attention"]
    book = openpyxl.load_workbook(io.BytesIO(client.get("/v1/exports?format=xlsx&table=turns").content))
    assert book.sheetnames == ["Turns"]


@pytest.mark.parametrize(
    ("query", "where"),
    [("format=pdf", "query.format"), ("table=runs", "query.table"), ("column=secret", "query.column")],
)
def test_what_there_is_not_is_refused(client: TestClient, query: str, where: str) -> None:
    assert told(client.get(f"/v1/exports?{query}")).errors[0].where == where


def test_nothing_of_an_export_is_left_on_the_disk(client: TestClient, tmp_path: Path) -> None:
    assert client.get("/v1/exports").status_code == 200
    assert not list((tmp_path / "spool").glob("export-*"))


def test_as_many_are_made_and_sent_as_there_is_room_for(tmp_path: Path) -> None:
    exports = Exports(tmp_path)

    def nested(path: Path, depth: int) -> None:
        path.write_text("x")
        if depth:
            exports.made(lambda inner: nested(inner, depth - 1), "a.csv", "text/csv")

    with pytest.raises(Refused) as refused:
        exports.made(lambda path: nested(path, MADE_AT_ONCE), "a.csv", "text/csv")
    assert refused.value.kind.name == "busy"
    exports = Exports(tmp_path)
    files = [exports.made(lambda path: nested(path, 0), "a.csv", "text/csv") for _ in range(SENT_AT_ONCE)]
    with pytest.raises(Refused):
        exports.made(lambda path: nested(path, 0), "a.csv", "text/csv")
    assert len(files) == SENT_AT_ONCE


def test_an_export_that_fails_frees_its_place_and_its_room(tmp_path: Path) -> None:
    exports = Exports(tmp_path)

    def fails(path: Path) -> None:
        path.write_text("x")
        raise DiskFull("no space")

    for _ in range(SENT_AT_ONCE + 1):
        with pytest.raises(DiskFull):
            exports.made(fails, "a.csv", "text/csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("timezone", "shown"), [("UTC", "2026-11-20 08:30:00"), ("Asia/Kolkata", "2026-11-20 14:00:00")]
)
def test_tables_for_people_have_the_times_of_the_business_and_others_that_of_utc(
    many: list[str], database: Database, tmp_path: Path, timezone: str, shown: str
) -> None:
    assert len(many) == MANY
    app = application(
        database, Settings(input=InputSettings(timezone=timezone)), tmp_path / "spool", all_heard, rooms=API_ROOMS
    )
    with TestClient(app, base_url=LOOPBACK) as browser:
        address = "/v1/exports?agent=A0&column=started_at"
        csv_of = {name: browser.get(f"{address}&table={name}").text.splitlines()[1] for name in ("results", "calls")}
        book = openpyxl.load_workbook(io.BytesIO(browser.get(f"{address}&format=xlsx").content))
    assert csv_of == {"results": "2026-11-20T08:30:00+00:00", "calls": shown}
    assert str(book.worksheets[0]["A2"].value) == shown
