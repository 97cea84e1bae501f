"""What the end of a run says of calls that questions do not find yet."""

from __future__ import annotations

from typing import Any

import pytest

from commands.run.questions import index_for_questions
from db.connection import Database
from db.ledger.store import PostgresStore
from pipeline.config.areas.database import DatabaseSettings
from pipeline.config.root import Settings
from tests.analysis.questions.stored import CANCELS, store_call

OFF = Settings.model_validate({"encoder": {"engine": "off"}})
BY_WORDS = "`run.py ask` finds these calls by words alone: switched off (encoder.engine: off)"


@pytest.mark.parametrize(
    ("ask", "indexed", "told"),
    [
        ({}, 1, [BY_WORDS]),
        ({"index": False}, 0, []),
        ({"index_max_s": 1e-9}, 0, ["1 transcript not ready for `run.py ask` yet; the next run goes on"]),
    ],
)
def test_calls_are_ready_for_questions_or_it_is_said_why_not(  # noqa: PLR0917 - fixtures
    ask: dict[str, Any], indexed: int, told: list[str], database: Database, store: PostgresStore, run_id: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    store_call(store, run_id, "cancels", *CANCELS)
    settings = OFF.model_copy(update={"ask": OFF.ask.model_copy(update=ask)})
    index_for_questions(database, settings)
    with database.connection() as connection:
        assert connection.execute("SELECT count(*) FROM indexed_transcripts").fetchone() == (indexed,)
    assert [record.message for record in caplog.records] == told
    caplog.clear()
    index_for_questions(database, OFF)
    assert [record.message for record in caplog.records] == [BY_WORDS] * (1 - indexed), "once for each call"


def test_a_database_that_is_away_is_told_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    away = "postgresql://nobody@127.0.0.1:1/none"
    with Database(DatabaseSettings(url=away, patience_s=0.0, connect_timeout_s=1), away, None) as database:
        index_for_questions(database, OFF)
    (record,) = caplog.records
    assert record.message.startswith("calls are not ready for `run.py ask` yet: ")
    assert record.message.endswith("; `run.py ask --index` tries again")
