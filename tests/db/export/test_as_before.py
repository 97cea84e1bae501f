"""Every table of a stored call as text: compared with what is kept beside this test."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from db.connection import Database
from db.export.table_files import TableFormat, export_table
from db.export.tables import TABLES
from db.ledger.store import PostgresStore
from db.queries.chosen import CallFilter
from pipeline.config.areas.output import CsvSettings
from pipeline.records import CallFailure
from tests.db.samples import found, outcome
from tests.pinned import assert_pinned

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TODAY = [datetime.now(UTC) + timedelta(days=days) for days in (-1, 0, 1)]
_NOW = re.compile("|".join(rf'{day:%Y-%m-%d}[T ][^",;]*' for day in _TODAY))


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_as_before(  # noqa: PLR0917 - fixtures
    name: str, ending: str, database: Database, store: PostgresStore, run_id: str, tmp_path: Path
) -> None:
    call_id = store.claim_call(found(), "aa", None)
    store.save_call(outcome(call_id, run_id))
    store.save_failure(
        CallFailure(found=found("bad.wav"), run_id=run_id, stage="prepare", error_type="AudioUndecodable",
                    message="noise", transient=False), 3)  # fmt: skip
    path = tmp_path / f"t.{ending}"
    how = TableFormat(name=ending, csv=CsvSettings(delimiter=";"), zone=ZoneInfo("Asia/Tokyo"))
    export_table(database, CallFilter(), TABLES[name], path, how)
    known: dict[str, str] = {}
    text = _UUID.sub(lambda match: known.setdefault(match[0], f"ID{len(known)}"), path.read_text(encoding="utf-8"))
    assert_pinned(f"{name}.{ending}", _NOW.sub("NOW", text))
