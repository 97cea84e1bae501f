"""`run.py db purge` from end to end: a real run, an erasure, and runs that do not bring the call back."""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.materials.recordings import sample_speech as speech
from bench.materials.recordings import write_wav
from commands.app import app
from commands.purge.retention import erase_old_calls
from db.connection import Database
from db.embedded.server import EmbeddedServer
from db.ledger.store import PostgresStore
from pipeline.config.areas.retention import RetentionSettings
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError, RunLocked
from tests.commands.running import Workplace
from tests.databases import TEMPLATE, fresh_database
from tests.db.samples import found, outcome


@pytest.fixture
def place(server: EmbeddedServer, tmp_path: Path) -> Iterator[Workplace]:
    for url in fresh_database(server, TEMPLATE):
        calls = tmp_path / "calls"
        calls.mkdir()
        talk = speech(30.0)
        for number, name in enumerate(("20260901-100000_inbound.wav", "20260902-100000_inbound.wav")):
            path = write_wav(calls / name, talk[number * 90_000 :][:96_000])
            os.utime(path, (time.time() - 3600, time.time() - 3600))
        yield Workplace(calls, tmp_path / "output", url)


def purge(place: Workplace, *arguments: str, answer: str | None = None) -> str:
    """What the command says; raises what it raises."""
    config = place.output.with_name("purge.yaml")
    config.write_text(
        f"database:\n  url: {place.url}\noutput:\n  directory: {place.output}\n"
        f"run:\n  spool_dir: {place.output}/spool\n"
    )
    done = CliRunner().invoke(app, ["db", "purge", *arguments, "--config", str(config)], input=answer)
    if isinstance(done.exception, SystemExit):
        assert done.exception.code == 0, done.output
    elif done.exception is not None:
        raise done.exception
    return done.output


def test_an_erased_call_does_not_come_back(place: Workplace) -> None:
    name = "20260901-100000_inbound.wav"
    assert place.run().returncode == 0
    (row,) = place.rows("SELECT call_id::text, transcription FROM calls WHERE file_name = %s", name)
    words = row["transcription"].split(": ", 1)[1]
    decoded = place.output / "spool" / "a_host-7" / "listening" / "listening-x" / "decoded.wav"
    decoded.parent.mkdir(parents=True)
    decoded.write_text(words)
    before = everything(place.output)
    said = purge(place, "--call", row["call_id"], "--dry-run")
    assert "would be erased: 1 recording" in said
    assert everything(place.output) == before
    assert "nothing was changed" in purge(place, "--call", row["call_id"], answer="n\n")
    assert len(place.rows("SELECT FROM calls")) == 2
    said = purge(place, "--call", row["call_id"], "--yes")
    assert "erased: 1 recording" in said
    assert "recordings decoded for listeners: 1" in said
    for path in place.output.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert name not in text, path
            assert row["call_id"] not in text, path
            assert words not in text, path
    for table in ("calls", "runs", "tombstones", "transcripts", "transcript_chunks", "call_steps"):
        assert not [line for line in place.rows(f"SELECT t::text AS line FROM {table} t") if name in line["line"]]
    receipt = json.loads(place.newest("receipts/*.json").read_text())
    assert (receipt["rows"]["calls"], receipt["rows"]["transcripts"], len(receipt["recordings"])) == (1, 1, 1)
    assert (place.calls / name).exists(), "the recording stays unless asked for"

    run = place.run()
    assert run.returncode == 0, run.stderr
    assert "1 recording is left out: erased earlier" in run.stdout + run.stderr
    assert place.statuses()["counts"]["found"] == 1
    os.utime(place.calls / name)  # touched: another version of the file, the same bytes
    shutil.copy2(place.calls / name, place.calls / "20260905-110000_inbound.wav")
    run = place.run("--set", "input.min_age_s=0")
    assert run.returncode == 0, run.stdout + run.stderr
    assert place.statuses()["counts"]["skipped"] == 2
    assert [row["file_name"] for row in place.rows("SELECT file_name FROM calls")] == ["20260902-100000_inbound.wav"]
    assert place.run().returncode == 0
    assert place.statuses()["counts"]["found"] == 1, "not even read any more"


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_recording_goes_on_request(place: Workplace, tmp_path: Path) -> None:
    assert place.run("--limit", "1").returncode == 0
    said = purge(place, "--before", "2026-09-03", "--with-audio", "--yes")
    assert "recordings: 1 deleted" in said
    assert [path.name for path in place.calls.iterdir()] == ["20260901-100000_inbound.wav"]


def test_a_run_under_way_keeps_the_erasure_off(
    place: Workplace, database: Database, store: PostgresStore, url: str
) -> None:
    run_id = store.begin_run({}, "h", "host")
    store.save_call(outcome(store.claim_call(found(), "aa", None), run_id))
    busy = Workplace(place.calls, place.output, url)
    with pytest.raises(RunLocked, match="db purge --wait"):
        purge(busy, "--before", "2027-01-01", "--yes")
    assert len(busy.rows("SELECT FROM calls")) == 1
    assert "would be erased: 1" in purge(busy, "--before", "2027-01-01", "--dry-run")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say what"),
        (["--customer", " "], "is empty"),
        (["--call", "x"], "not a call_id"),
    ],
)
def test_a_wrong_command_line(place: Workplace, arguments: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        purge(place, *arguments)


def test_nothing_to_erase(place: Workplace) -> None:
    assert "nothing to erase" in purge(place, "--customer", "4711")


def test_retention_erases_by_age(database: Database, store: PostgresStore, tmp_path: Path) -> None:
    """At the end of a run, whose own input does not stand in its way; that of another run does."""
    run_id = store.begin_run({}, "h", "host", ["file:///calls"])
    store.save_call(outcome(store.claim_call(found(), "aa", None), run_id))
    settings = Settings.model_validate({"output": {"directory": tmp_path}, "run": {"spool_dir": tmp_path / "spool"}})
    now = datetime(2026, 12, 1, tzinfo=UTC)  # the call is of 20 November

    def erased_after(days: int | None, by: str = run_id) -> int:
        wanted = settings.model_copy(update={"retention": RetentionSettings(days=days)})
        assert erase_old_calls(database, wanted, None, now, by)
        with database.connection() as connection:
            return 1 - len(connection.execute("SELECT FROM calls").fetchall())

    assert [erased_after(days) for days in (None, 11)] == [0, 0]
    assert erased_after(10, by=str(uuid.uuid4())) == 0, "another run has it among its input"
    assert erased_after(10) == 1
    assert len(list((tmp_path / "receipts").iterdir())) == 1
