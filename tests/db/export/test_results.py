"""The results table: fixed first columns, one row builder, three formats."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from db.connection import Database
from db.export.files import whole_file, write_whole
from db.export.result_rows import COLUMNS, result_rows
from db.export.table_files import export_results
from db.ledger.store import PostgresStore
from pipeline.config.areas.output import CsvSettings, OutputSettings
from pipeline.errors import ConfigurationError, OutputUnavailable
from pipeline.records import CallFailure
from tests.db.samples import chunk, found, outcome, transcript

PROMISED = (
    "file_name,transcription,agent_transcription,client_transcription,agent_text_sentiment,"
    "agent_text_confidence,agent_text_probabilities,client_text_sentiment,client_text_confidence,"
    "client_text_probabilities,agent_acoustic_sentiment,agent_acoustic_confidence,"
    "agent_acoustic_probabilities,client_acoustic_sentiment,client_acoustic_confidence,"
    "client_acoustic_probabilities,agent_fusion_sentiment,agent_fusion_confidence,client_fusion_sentiment,"
    "client_fusion_confidence,error,topics"
)


@pytest.fixture
def call_ids(store: PostgresStore, run_id: str) -> list[str]:
    """A whole call whose words look like a formula, and a failed one."""
    good = store.claim_call(found(), "aa", None)
    words = transcript(chunks=(chunk(1, 0, 0.0, '=HYPERLINK("http://x")'), chunk(0, 0, 3.0, 'ça va,\n"oui"; جيد')))
    store.save_call(outcome(good, run_id, words=words))
    store.save_failure(
        CallFailure(
            found=found("b.wav"),
            run_id=run_id,
            stage="decode",
            error_type="AudioUndecodable",
            message="bad",
            transient=False,
        ),
        3,
    )
    return list(store.undelivered())


def read_csv(path: Path, **options: Any) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, **options))


def test_the_csv_begins_with_the_promised_columns(database: Database, call_ids: list[str], tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    assert export_results(database, call_ids, path, OutputSettings()) == 2
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf" + PROMISED.encode() + b",call_id,")
    good, bad = read_csv(path)
    assert good["agent_transcription"] == '\'=HYPERLINK("http://x")'
    assert good["client_transcription"] == 'ça va,\n"oui"; جيد'
    assert good["client_text_probabilities"] == '{"negative": 0.8, "neutral": 0.15, "positive": 0.05}'
    assert good["topics"] == "Billing > Refund"
    assert (good["error"], good["agent_talk_share"], good["client_interruptions"]) == ("", repr(2 / 12), "")
    assert json.loads(good["missing_reasons"])["client_acoustic"] == "too quiet"
    assert (bad["file_name"], bad["error"], bad["transcription"]) == ("b.wav", "AudioUndecodable: bad", "")


def test_a_delimiter_and_no_mark(database: Database, call_ids: list[str], tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    export_results(database, call_ids, path, OutputSettings(csv=CsvSettings(delimiter=";", byte_order_mark=False)))
    assert path.read_bytes().startswith(b"file_name;transcription;")
    assert len(read_csv(path, delimiter=";")) == 2


def test_parquet(database: Database, call_ids: list[str], tmp_path: Path) -> None:
    path = tmp_path / "results.parquet"
    assert export_results(database, call_ids, path, OutputSettings()) == 2
    good, bad = pq.read_table(path).to_pylist()
    assert list(good) == list(COLUMNS)
    assert good["agent_transcription"] == '=HYPERLINK("http://x")', "Parquet is no spreadsheet"
    assert good["started_at"].isoformat() == "2026-11-20T08:30:00+00:00"
    assert (good["turns"], good["agent_talk_s"], bad["turns"], bad["flags"]) == (3, 2.0, None, [])
    assert json.loads(good["action_items"])[0]["what"] == "refund"


def test_another_ending_is_refused(database: Database, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"\.parquet"):
        export_results(database, [], tmp_path / "results.docx", OutputSettings())


def test_no_calls_give_a_header(database: Database, tmp_path: Path) -> None:
    for ending in ("csv", "xlsx", "parquet", "jsonl"):
        assert export_results(database, [], tmp_path / f"r.{ending}", OutputSettings()) == 0
    assert read_csv(tmp_path / "r.csv") == []


def test_unknown_calls_are_passed_over(database: Database, call_ids: list[str]) -> None:
    asked = ["00000000-0000-0000-0000-000000000000", *reversed(call_ids)]
    assert [row["file_name"] for row in result_rows(database, asked)] == ["b.wav", "a.wav"]


# ------------------------------------------------------------------------------------------- whole files


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    write_whole(path, b"before")

    def breaks(aside: Path) -> None:
        aside.write_bytes(b"half")
        raise RuntimeError

    with pytest.raises(RuntimeError), whole_file(path) as aside:
        breaks(aside)
    assert path.read_bytes() == b"before"
    assert [one.name for one in tmp_path.iterdir()] == ["x.txt"]


@pytest.mark.parametrize(
    "place", [lambda folder: folder / "file" / "x.csv", lambda folder: folder / ("n" * 300)], ids=["no folder", "name"]
)
def test_an_output_that_cannot_be_written(tmp_path: Path, place: Callable[[Path], Path]) -> None:
    (tmp_path / "file").write_text("")
    path = place(tmp_path)
    with pytest.raises(OutputUnavailable) as raised:
        write_whole(path, b"x")
    assert re.fullmatch(
        rf"{path}: cannot be written \([A-Z][a-z ]+\); free space or fix .* another with --output", str(raised.value)
    )


def test_an_error_without_a_number_is_told_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(OutputUnavailable, match=r"cannot be written \(no more\)"), whole_file(tmp_path / "x"):
        raise OSError("no more")
