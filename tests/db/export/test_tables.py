"""Chosen calls as tables: which calls, which columns, which format; in constant memory."""

from __future__ import annotations

import csv
import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psutil
import pyarrow.parquet as pq
import pytest

from db.connection import Database
from db.export import parquet_file, streaming
from db.export.bigquery import SCHEMA, write_bigquery
from db.export.columns import Table
from db.export.csv_file import write_csv
from db.export.document import documents
from db.export.json_lines import write_objects
from db.export.streaming import chosen_call_ids, rows_of
from db.export.table_files import RESULT_FORMATS, TableFormat, export_table, write_table
from db.export.tables import CALLS, CHUNKS, TABLES, WORKBOOK
from db.ledger.store import PostgresStore
from db.queries.chosen import CallFilter
from db.records import Row
from pipeline.config.areas.database import DatabaseSettings
from pipeline.config.areas.output import CsvSettings
from pipeline.errors import ConfigurationError
from pipeline.records import CallFailure
from tests.db.samples import MOMENT, chunk, found, outcome, prepared, transcript
from tests.pinned import assert_pinned

BERLIN = ZoneInfo("Europe/Berlin")
ODD = ("007", "1E5", "a;=1+1", "=1+1", "a\ufffeb", "\u2028", "ß,\n\"ü'")


def how(name: str) -> TableFormat:
    return TableFormat(name=name, csv=CsvSettings(), zone=BERLIN)


@pytest.fixture
def calls(store: PostgresStore, run_id: str) -> dict[str, str]:
    """Names to ids: two calls of different agents, days and words, and one that failed."""
    ids = {}
    for number, (name, agent, text) in enumerate(
        [("a.wav", "007", "please cancel my contract"), ("b.wav", "1E5", "thank you")]
    ):
        call = found(name)
        begun = MOMENT + timedelta(hours=15 * number)  # 09:30 and, on the same day of UTC only, 00:30 in Berlin
        call = replace(call, metadata=replace(call.metadata, agent_id=agent, started_at=begun))
        ids[name] = store.claim_call(call, name, None)
        words = transcript(f"f{number}", chunks=(chunk(0, 0, 0.0, text), *odd_chunks()))
        store.save_call(outcome(ids[name], run_id, call, audio=prepared(name, flags=("mono",) * number), words=words))
    store.save_failure(
        CallFailure(
            found=found("c.wav"), run_id=run_id, stage="decode", error_type="AudioUndecodable", message="=bad",
            transient=False,
        ),
        3,
    )  # fmt: skip
    return ids


def odd_chunks() -> tuple[Any, ...]:
    return tuple(chunk(1, number, 3.0 + number, text, words=False) for number, text in enumerate(ODD))


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (CallFilter(), ["a.wav", "c.wav", "b.wav"]),
        (CallFilter(agent="007"), ["a.wav"]),
        (CallFilter(agent="=x"), []),
        (CallFilter(first_day=date(2026, 11, 21)), ["b.wav"]),
        (CallFilter(last_day=date(2026, 11, 20)), ["a.wav", "c.wav"]),
        (CallFilter(since=datetime(2026, 11, 20, 12, tzinfo=UTC)), ["b.wav"]),
        (CallFilter(text="cancel contract"), ["a.wav"]),
        (CallFilter(text="'; DROP TABLE calls --"), []),
        (CallFilter(mood="negative", topic="Billing > Refund"), ["a.wav", "b.wav"]),
        (CallFilter(topic="-"), ["c.wav"]),
        (CallFilter(flag="mono"), ["b.wav"]),
        (CallFilter(language="de"), []),
        (CallFilter(status="failed"), ["c.wav"]),
    ],
)
def test_the_calls_a_filter_chooses(
    database: Database, calls: dict[str, str], wanted: CallFilter, names: list[str]
) -> None:
    with rows_of(database, CALLS, wanted, BERLIN.key) as rows:
        assert [row["file_name"] for row in rows] == names
    with chosen_call_ids(database, wanted, BERLIN.key) as ids:
        assert len(list(ids)) == len(names)


def test_a_pool_of_one_connection_is_enough(calls: dict[str, str], url: str) -> None:
    """The cursor over the calls held it, and reading each call waited for another until it gave up."""
    with (
        Database(DatabaseSettings(url=url, patience_s=3, pool_size=1), url, None) as one,
        chosen_call_ids(one, CallFilter(), "UTC") as ids,
    ):
        assert [document.call["file_name"] for document in documents(one, ids)] == ["a.wav", "b.wav"]


def test_one_call(database: Database, calls: dict[str, str]) -> None:
    with chosen_call_ids(database, CallFilter(call_ids=(uuid.UUID(calls["b.wav"]),)), "UTC") as ids:
        assert list(ids) == [calls["b.wav"]]


def test_people_read_no_sixteen_digits(tmp_path: Path) -> None:
    def row(table: Table) -> dict[str, Any]:
        given = {"duration_s": 61.91825, "client_mood_confidence": 0.9396610113112227}
        return {column.name: given.get(column.name) for column in table.columns}

    wanted = CALLS.with_columns(["duration_s", "client_mood_confidence"])
    path = tmp_path / "calls.csv"
    write_csv([row(wanted)], wanted, path, zone=BERLIN)
    assert path.read_text(encoding="utf-8").splitlines()[1] == "61.9,0.94"
    exact = Table(wanted.name, wanted.title, wanted.columns)
    write_csv([row(exact)], exact, path, zone=BERLIN)
    assert path.read_text(encoding="utf-8").splitlines()[1] == "61.91825,0.9396610113112227"


def test_a_short_csv(database: Database, calls: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    assert export_table(database, CallFilter(), CALLS, path, how("csv")) == 3
    with path.open(encoding="utf-8-sig", newline="") as file:
        first, failed, second = csv.DictReader(file)
    assert list(first) == [column.name for column in CALLS.columns]
    assert (first["agent_id"], second["agent_id"]) == ("007", "1E5")
    assert (first["started_at"], second["started_at"]) == ("2026-11-20 09:30:00", "2026-11-21 00:30:00")
    assert (first["topic"], first["client_mood"], first["action_items"]) == (
        "Billing > Refund",
        "negative",
        "refund (agent)",
    )
    assert (failed["remarks"], failed["client_mood"]) == ("AudioUndecodable: =bad", "")


@pytest.mark.parametrize("name", ["jsonl", "parquet"])
def test_formats_for_programs_change_no_text(
    database: Database, calls: dict[str, str], tmp_path: Path, name: str
) -> None:
    path = tmp_path / f"chunks.{name}"
    table = CHUNKS.with_columns(["text", "start_s", "flags", "words"])
    assert export_table(database, CallFilter(agent="007"), table, path, how(name)) == 1 + len(ODD)
    if name == "jsonl":
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
        assert rows[0]["words"][0]["text"] == "please"
    else:
        rows = pq.read_table(path).to_pylist()
        assert json.loads(rows[0]["words"])[0]["text"] == "please"
    assert [list(row) for row in rows] == [["text", "start_s", "flags", "words"]] * len(rows)
    assert [row["text"] for row in rows] == ["please cancel my contract", *ODD]
    assert [rows[1]["start_s"], rows[1]["flags"], rows[1]["words"]] == [3.0, [], None]


def test_every_column_has_its_title_kind_and_width() -> None:
    lines = [
        f"{name} ({table.title}{', for people' if table.for_people else ''}): {column}"
        for name, table in TABLES.items()
        for column in table.columns
    ]
    assert_pinned("columns.txt", "\n".join([*lines, f"workbook: {[table.name for table in WORKBOOK]}"]))


def test_what_no_format_holds_is_refused(database: Database, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="JSON cannot hold object"):
        write_objects([{"a": object()}], tmp_path / "a.jsonl")
    with pytest.raises(ValueError, match="no table format: xml"):
        export_table(database, CallFilter(), CALLS, tmp_path / "a.xml", TableFormat(name="xml", csv=CsvSettings()))


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(ConfigurationError, match=r"--column mod: table calls has no such column; it has file_name, "):
        CALLS.with_columns(["file_name", "mod"])


def test_a_manifest_for_training(store: PostgresStore, database: Database, run_id: str, tmp_path: Path) -> None:
    """Doubtful, empty and redacted chunks teach nothing; the second file of a call has its second side."""
    call = found("a b.wav", folder="/calls/über")
    extra = {"second_uri": "s3://bucket/b.wav"}
    call = replace(call, metadata=replace(call.metadata, extra=extra))
    call_id = store.claim_call(call, "aa", None)
    said = (
        chunk(0, 0, 0.5, "good morning"),
        replace(chunk(0, 1, 3.0, "la la la la"), flags=("repeated",)),
        replace(chunk(0, 2, 5.0, ""), flags=("empty",)),
        chunk(0, 3, 6.0, "my card is [CARD_1]"),
        chunk(1, 0, 8.0, "thanks"),
    )
    store.save_call(outcome(call_id, run_id, call, words=transcript(chunks=said), steps=()))
    path = tmp_path / "train.jsonl"
    assert export_table(database, CallFilter(), TABLES["manifest"], path, how("jsonl")) == 2
    first, second = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert first == {
        "audio_filepath": "/calls/über/a b.wav",
        "offset": 0.5,
        "duration": 2.0,
        "text": "good morning",
        "channel": 0,
        "speaker": "client",
        "lang": "en",
        "confidence": 0.75,
        "call_id": call_id,
    }
    assert (second["audio_filepath"], second["channel"], second["text"]) == ("s3://bucket/b.wav", 0, "thanks")


KINDS: dict[str, tuple[type, ...]] = {
    "STRING": (str,),
    "INTEGER": (int,),
    "FLOAT": (float, int),
    "TIMESTAMP": (str,),
}


def check_against(schema: Any, row: dict[str, Any]) -> None:
    """What `bq load` checks: no other fields, the right types, nothing missing that is required."""
    fields = {field["name"]: field for field in schema}
    assert set(row) <= set(fields)
    for name, field in fields.items():
        value = row.get(name)
        if field["mode"] == "REPEATED":
            for item in value or ():
                check_against(field["fields"], item)
        elif value is None:
            assert field["mode"] == "NULLABLE", name
        elif field["type"] == "RECORD":
            check_against(field["fields"], value)
        else:
            assert isinstance(value, KINDS[field["type"]]), (name, value)


def test_columns_for_bigquery(database: Database, calls: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    rows, schema = write_bigquery(documents(database, [calls["b.wav"], calls["a.wav"]]), path)
    assert (rows, schema.name) == (2, "calls.schema.json")
    assert json.loads(schema.read_bytes()) == list(SCHEMA)
    _, call = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    check_against(SCHEMA, call)
    assert call["conversationName"] == calls["a.wav"]
    assert call["startTimestamp"] == "2026-11-20 08:30:00.000000 UTC"
    assert (call["durationNanos"], call["agentId"], call["turnCount"]) == (12_000_000_000, "007", 3)
    assert call["clientSentimentScore"] == -0.75
    assert call["issues"] == [{"name": "Billing > Refund", "score": 0.9}]
    assert call["sentences"][0] == {
        "sentence": "please cancel my contract", "startOffsetNanos": 0, "endOffsetNanos": 2_000_000_000,
        "speakerTag": 1, "participantRole": "END_USER", "languageCode": "en",
        "createTimeNanos": 1_795_163_400_000_000_000, "sentimentScore": -0.75, "sentimentMagnitude": None,
    }  # fmt: skip
    assert [word["word"] for word in call["words"]] == ["please", "cancel", "my", "contract"]


# ------------------------------------------------------------------------------------------------ memory

MANY = 4000
ROW_BYTES = 8000


def test_memory_does_not_grow_with_the_rows(
    database: Database, store: PostgresStore, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """32 MB in all, of which a hundred rows are in memory at a time: a cursor on the client would hold them all."""
    monkeypatch.setattr(streaming, "ROWS_PER_FETCH", 100)
    monkeypatch.setattr(parquet_file, "ROWS_PER_GROUP", 100)
    call_id = store.claim_call(found(), "aa", None)
    store.save_call(outcome(call_id, run_id))
    with database.connection() as connection:
        connection.execute(
            """INSERT INTO transcript_chunks
                   (transcript_fingerprint, channel, ordinal, role, start_s, end_s, text, words)
               SELECT 'f1', 5, n, 'agent', n, n + 1, 'text', to_jsonb(repeat('x', %s)) FROM generate_series(1, %s) n""",
            [ROW_BYTES, MANY],
        )
    table = CHUNKS.with_columns(["call_id", "ordinal", "text", "words"])
    process = psutil.Process()
    for name in RESULT_FORMATS:
        export_table(database, CallFilter(agent="nobody"), table, tmp_path / f"t.{name}", how(name))  # its imports
        grown: list[int] = [process.memory_info().rss]

        @contextmanager
        def watched(one: Table, grown: list[int] = grown) -> Iterator[Iterator[Row]]:
            def watching(rows: Iterable[Row]) -> Iterator[Row]:
                for number, row in enumerate(rows):
                    if number % 250 == 0:
                        grown.append(process.memory_info().rss)
                    yield row

            with rows_of(database, one, CallFilter(), "UTC") as rows:
                yield watching(rows)

        assert write_table(watched, table, tmp_path / f"t.{name}", how(name)) == MANY + 3
        assert max(grown) - grown[0] < MANY * ROW_BYTES / 2, f"{name}: memory grew with the rows"
