"""Erased calls in each kind of file that a run or an export writes."""

from __future__ import annotations

import csv
import json
import logging
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from commands.purge.files import FilesOutcome, Named, erase_in_files, named
from commands.purge.mentions import Mentions
from db.connection import Database
from db.erasure import Erasable
from db.export.table_files import RESULT_FORMATS, TableFormat, export_results, export_table, export_workbook
from db.export.tables import CALLS, CHUNKS, MANIFEST, TURNS, WORKBOOK
from db.export.transcripts import export_transcripts
from db.ledger.store import PostgresStore
from db.queries.chosen import CallFilter
from pipeline.config.areas.output import CsvSettings, OutputSettings, TranscriptFileSettings
from pipeline.log_lines import json_handler
from tests.db.samples import chunk, found, outcome, prepared, transcript

SECRET = "my card was charged twice"
KEPT = "what is my balance"


@pytest.fixture
def ids(store: PostgresStore, run_id: str) -> dict[str, str]:
    made = {}
    for name, text in (("a.wav", SECRET), ("b.wav", KEPT)):
        made[name] = store.claim_call(found(name), name, None)
        words = transcript(f"f {name}", chunks=(chunk(0, 0, 0.0, text),))
        store.save_call(outcome(made[name], run_id, found(name), audio=prepared(name), words=words))
    return made


def what(ids: dict[str, str], *, still_used: tuple[str, ...] = ()) -> Named:
    erased = Erasable(
        call_id=ids["a.wav"], source_uri="file:///calls/a.wav", second_uri=None, file_name="a.wav", second_file=None,
        audio_sha256="aa", size_bytes=1, modified_at=None, etag=None, transcript_fingerprint=None,
    )  # fmt: skip
    return named([erased], still_used)


def erase(folder: Path, wanted: Named, *, write: bool = True, keep: Path | None = None) -> FilesOutcome:
    return erase_in_files([folder], wanted, delimiter=",", keep=keep, write=write)


@pytest.mark.parametrize("name", RESULT_FORMATS)
@pytest.mark.parametrize("table", [CALLS, CHUNKS], ids=["calls", "chunks"])
def test_a_copy_of_a_table(database: Database, ids: dict[str, str], tmp_path: Path, name: str, table: object) -> None:
    path = tmp_path / f"out.{name}"
    how = TableFormat(name=name, csv=CsvSettings(delimiter=";"), zone=ZoneInfo("UTC"))
    export_table(database, CallFilter(), table, path, how)  # type: ignore[arg-type]
    outcome = erase(tmp_path, what(ids))
    assert not outcome.unread
    if name in ("xlsx", "parquet"):
        assert not path.exists(), "it is made again by an export"
        return
    text = path.read_text(encoding="utf-8-sig")
    assert "a.wav" not in text
    assert SECRET not in text
    assert "b.wav" in text
    assert erase(tmp_path, what(ids)).counts == {}, "once is enough"


@pytest.mark.parametrize("name", RESULT_FORMATS)
def test_rows_that_name_the_recording_alone_go(
    database: Database, ids: dict[str, str], tmp_path: Path, name: str
) -> None:
    path = tmp_path / f"train.{name}"
    table = MANIFEST.with_columns(["audio_filepath", "offset", "duration", "text"])
    export_table(database, CallFilter(), table, path, TableFormat(name=name, csv=CsvSettings()))
    assert not erase(tmp_path, what(ids)).unread
    if name in ("xlsx", "parquet"):
        assert not path.exists()
    else:
        assert (SECRET in path.read_text(), KEPT in path.read_text()) == (False, True)


@pytest.mark.parametrize("name", RESULT_FORMATS)
def test_rows_that_name_no_call_are_told(database: Database, ids: dict[str, str], tmp_path: Path, name: str) -> None:
    path = tmp_path / f"said.{name}"
    table = TURNS.with_columns(["role", "text"])
    export_table(database, CallFilter(), table, path, TableFormat(name=name, csv=CsvSettings()))
    assert erase(tmp_path, what(ids)).unread == [
        f"{path}: its rows do not say which call they are of; delete it if one was erased"
    ]


def test_the_results_lose_the_row_and_keep_the_others(database: Database, ids: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "results_x.csv"
    export_results(database, list(ids.values()), path, OutputSettings())
    before = path.stat().st_mtime_ns
    with path.open(encoding="utf-8-sig", newline="") as file:
        _, kept = csv.DictReader(file)
    assert erase(tmp_path, what(ids)).counts == {"files cleaned": 1, "rows and lines": 1}
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.DictReader(file)) == [kept]
    assert path.read_bytes().startswith(b"\xef\xbb\xbf"), "as it was written"
    assert path.stat().st_mtime_ns == before


def test_a_workbook_without_the_call_stays(database: Database, ids: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "b.xlsx"
    how = TableFormat(name="xlsx", csv=CsvSettings())
    export_workbook(database, CallFilter(text="balance"), WORKBOOK, path, how)
    assert erase(tmp_path, what(ids)).counts == {}
    assert openpyxl.load_workbook(path)["Calls"]["A2"].value == "b.wav"


def test_transcript_files_go(database: Database, ids: dict[str, str], tmp_path: Path) -> None:
    formats = ("txt", "srt", "vtt", "json", "pca_json", "contact_lens_json")
    output = OutputSettings(transcripts=TranscriptFileSettings(formats=formats))
    export_transcripts(database, list(ids.values()), tmp_path / "transcripts", output)
    assert erase(tmp_path, what(ids)).counts == {"files of a call": len(formats)}
    assert {path.name.partition("-")[0] for path in (tmp_path / "transcripts").iterdir()} == {"b"}


def test_logs_and_reports_lose_the_mention(ids: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "logs" / "earshot_x.jsonl"
    log.parent.mkdir()
    about = {"call_id": ids["a.wav"], "message": "done"}
    lines = [about, {"message": "a.wav: truncated"}, {"message": "b.wav: truncated"}]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines) + "a.wav, no JSON\n")
    report = tmp_path / "performance_report_x.json"
    report.write_text(json.dumps({"slowest": [{"file_name": "a.wav"}, {"file_name": "b.wav"}]}))
    page = tmp_path / "performance_report_x.html"
    page.write_text("<td>a.wav</td><td>b.wav</td>")
    other = tmp_path / "calls.html"
    other.write_text("<td>a.wav: a summary</td>")
    outcome = erase(tmp_path, what(ids))
    assert log.read_text().splitlines() == [
        json.dumps({"message": "[erased]: truncated"}), json.dumps(lines[2]), "[erased], no JSON",
    ]  # fmt: skip
    assert json.loads(report.read_text())["slowest"] == [{"file_name": "[erased]"}, {"file_name": "b.wav"}]
    assert page.read_text() == "<td>[erased]</td><td>b.wav</td>"
    assert not other.exists(), "what it says of the call has no name to find it by"
    assert outcome.counts["files cleaned"] == 3


def test_a_name_that_another_recording_has_is_left(ids: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text(f"a.wav of another day\n/calls/a.wav\n{ids['a.wav']}\n")
    erase(tmp_path, what(ids, still_used=("a.wav",)))
    assert log.read_text() == "a.wav of another day\n[erased]\n[erased]\n"


def test_a_preview_changes_nothing(ids: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("a.wav\n")
    (tmp_path / f"a-{ids['a.wav'][:8]}.txt").write_text(SECRET)
    before = sorted((one.name, one.read_bytes()) for one in tmp_path.iterdir())
    assert erase(tmp_path, what(ids), write=False).counts == {
        "files cleaned": 1, "rows and lines": 1, "files of a call": 1,
    }  # fmt: skip
    assert sorted((one.name, one.read_bytes()) for one in tmp_path.iterdir()) == before


def test_what_cannot_be_read_is_said(ids: dict[str, str], tmp_path: Path) -> None:
    for name in ("x.xlsx", "x.parquet", "x.txt"):
        (tmp_path / name).write_bytes(b"\xff\xfe no such thing")
    (tmp_path / "good.log").write_text("a.wav\n")
    outcome = erase(tmp_path, what(ids))
    assert [Path(line.partition(": ")[0]).name for line in outcome.unread] == ["x.parquet", "x.txt", "x.xlsx"]
    assert (tmp_path / "good.log").read_text() == "[erased]\n"


def test_a_database_and_links_are_passed_over(ids: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("16")
    (tmp_path / "postgres" / "x.log").write_text("a.wav")
    outside = tmp_path.parent / f"{tmp_path.name}-outside.log"
    outside.write_text("a.wav")
    (tmp_path / "link.log").symlink_to(outside)
    assert erase(tmp_path, what(ids)).counts == {}
    assert outside.read_text() == "a.wav"


def test_the_log_being_written_is_left(ids: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "now.jsonl"
    path.write_text("a.wav\n")
    assert erase(tmp_path, what(ids), keep=path).counts == {}


def test_a_log_that_another_process_writes_goes_on_in_the_clean_copy(ids: dict[str, str], tmp_path: Path) -> None:
    """The lines that an idle worker wrote after an erasure were lost: they went into the file that was replaced."""
    path = tmp_path / "earshot_1.jsonl"
    handler = json_handler(path)
    log = logging.Logger("earshot.test")
    log.addHandler(handler)
    log.info("a.wav begins")
    log.info("b.wav begins")
    assert erase(tmp_path, what(ids)).counts["files cleaned"] == 1
    log.info("b.wav ends")
    handler.close()
    told = [json.loads(line)["message"] for line in path.read_text().splitlines()]
    assert told == ["[erased] begins", "b.wav begins", "b.wav ends"]
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_lines_written_while_a_log_is_cleaned_are_kept(ids: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "earshot_1.jsonl"
    path.write_text('{"message": "a.wav begins"}\n')

    class Writing(Mentions):
        def scrubbed(self, text: str) -> str:
            if not self.wrote:
                self.wrote = True
                with path.open("a") as file:
                    file.write('{"message": "a.wav ends"}\n{"message": "b.wav ends"}\n')
            return super().scrubbed(text)

        wrote = False

    erase(tmp_path, replace(what(ids), mentions=Writing(["a.wav"])))
    told = [json.loads(line)["message"] for line in path.read_text().splitlines()]
    assert told == ["[erased] begins", "[erased] ends", "b.wav ends"]
