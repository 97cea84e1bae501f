"""Results, reports and transcripts in a bucket: a kill, a server out of reach and one that lies cost nothing."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.run.delivery import Delivered
from commands.run.outbox import LEDGER, Outbox
from db.connection import Database
from db.ledger.store import PostgresStore
from pipeline.config.areas.output import OutputSettings
from tests.commands.run.test_delivery import Killed, KilledBeforeTheMark, deliver, run_of
from tests.pipeline.sources.bucket_server import Bucket, serving

FILES = ["calls_s.csv", "failed_calls_s.json", "file_statuses_s.json", "performance_report_s.json", "results_s.csv"]


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving({}) as held:
        yield held


def output_for(bucket: Bucket) -> dict[str, object]:
    s3 = {
        "endpoint_url": bucket.url,
        "region": "eu-central-1",
        "anonymous": True,
        "addressing": "path",
        "attempts": 2,
    }
    return {"upload_to": "s3://results/night", "s3": s3}


def delivered_to(bucket: Bucket, store: PostgresStore, folder: Path, *names: str, stamp: str = "s") -> Delivered:
    return deliver(store, run_of(store, *names), folder, stamp=stamp, output=output_for(bucket))


def names_in(bucket: Bucket) -> list[str]:
    return sorted(key.removeprefix("night/") for key in bucket.objects)


def calls_in(bucket: Bucket, name: str) -> list[str]:
    text = bucket.objects[f"night/{name}"].decode("utf-8-sig")
    return sorted(row["file_name"] for row in csv.DictReader(io.StringIO(text, newline="")))


def transcripts_in(bucket: Bucket) -> set[str]:
    return {name.rpartition("-")[0] for name in names_in(bucket) if name.startswith("transcripts/")}


def test_what_a_run_delivers_is_in_the_bucket(bucket: Bucket, store: PostgresStore, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "run_s.jsonl").write_text("{}")
    (tmp_path / "results_from_before.csv").write_text("a")
    delivered = delivered_to(bucket, store, tmp_path, "a.wav", "b.wav")
    assert [name for name in names_in(bucket) if "/" not in name] == FILES
    assert transcripts_in(bucket) == {"transcripts/a", "transcripts/b"}
    assert calls_in(bucket, "results_s.csv") == ["a.wav", "b.wav"]
    for name in names_in(bucket):
        assert bucket.objects[f"night/{name}"] == (tmp_path / name).read_bytes()
    assert delivered.uploaded == len(bucket.objects)
    assert not store.undelivered()
    assert (tmp_path / LEDGER).read_text() == "[]"


def test_a_bucket_out_of_reach_leaves_the_calls_undelivered(
    bucket: Bucket, store: PostgresStore, tmp_path: Path
) -> None:
    bucket.forbidden = True
    delivered = delivered_to(bucket, store, tmp_path, "a.wav")
    (told,) = [line for line in delivered.report["attention"] if "not everything was uploaded" in line]
    assert "AccessDenied" in told
    assert "output.upload_to" in told
    assert store.undelivered()
    assert len(bucket.requests) <= 8, "not a try for each file"
    bucket.forbidden = False
    later = delivered_to(bucket, store, tmp_path, "b.wav", stamp="later")
    assert not [line for line in later.report["attention"] if "uploaded" in line]
    assert calls_in(bucket, "results_later.csv") == ["a.wav", "b.wav"], "also where the folder were gone by now"
    assert calls_in(bucket, "results_s.csv") == ["a.wav"]
    assert "performance_report_s.json" in names_in(bucket)
    assert transcripts_in(bucket) == {"transcripts/a", "transcripts/b"}
    assert not store.undelivered()


def test_a_run_killed_before_the_mark_is_finished_by_the_next(
    bucket: Bucket, store: PostgresStore, database: Database, tmp_path: Path
) -> None:
    killed = KilledBeforeTheMark(database)
    with pytest.raises(Killed):
        deliver(killed, run_of(store, "a.wav"), tmp_path, output=output_for(bucket))
    assert calls_in(bucket, "results_s.csv") == ["a.wav"]
    delivered_to(bucket, store, tmp_path, stamp="later")
    assert calls_in(bucket, "results_later.csv") == ["a.wav"], "twice rather than never"


def test_files_that_were_only_written_are_uploaded_by_the_next_run(bucket: Bucket, tmp_path: Path) -> None:
    settings = OutputSettings.model_validate({"directory": str(tmp_path), **output_for(bucket)})
    killed = Outbox(settings)
    killed.expect([tmp_path / "performance_report_1.json", tmp_path / "never_written.json"])
    (tmp_path / "performance_report_1.json").write_text("{}")
    after = Outbox(settings)
    after.expect([tmp_path / "performance_report_2.json"])
    (tmp_path / "performance_report_2.json").write_text("[]")
    assert after.bring()
    after.close()
    assert names_in(bucket) == ["performance_report_1.json", "performance_report_2.json"]
    assert (tmp_path / LEDGER).read_text() == "[]"


@pytest.mark.parametrize("trouble", ["failures", "loses_uploads", "cuts_uploads", "lost_answers"])
def test_throttled_flaky_and_lying_servers_lose_nothing(bucket: Bucket, tmp_path: Path, trouble: str) -> None:
    """A server may acknowledge what it does not keep, keep half of it, or keep it and not answer."""
    setattr(bucket, trouble, 1)
    outbox = Outbox(OutputSettings.model_validate({"directory": str(tmp_path), **output_for(bucket)}))
    outbox.expect([tmp_path / "results_1.csv"])
    (tmp_path / "results_1.csv").write_text("a,b\r\n" * 1000)
    assert outbox.bring(), outbox.trouble
    assert getattr(bucket, trouble) == 0
    assert bucket.objects["night/results_1.csv"] == (tmp_path / "results_1.csv").read_bytes()


@pytest.mark.parametrize("trouble", ["failures", "loses_uploads", "cuts_uploads"])
def test_a_server_that_keeps_nothing_is_not_believed(bucket: Bucket, tmp_path: Path, trouble: str) -> None:
    setattr(bucket, trouble, 1000)
    outbox = Outbox(OutputSettings.model_validate({"directory": str(tmp_path), **output_for(bucket)}))
    outbox.expect([tmp_path / "results_1.csv"])
    (tmp_path / "results_1.csv").write_text("a,b\r\n" * 1000)
    assert not outbox.bring()
    outbox.close()
    assert "results_1.csv" in (tmp_path / LEDGER).read_text()


def test_another_installations_results_are_not_replaced_and_a_calls_transcript_is(
    bucket: Bucket, tmp_path: Path
) -> None:
    bucket.objects = {"night/results_1.csv": b"another's", "night/transcripts/a-1.txt": b"of an older engine"}
    outbox = Outbox(OutputSettings.model_validate({"directory": str(tmp_path), **output_for(bucket)}))
    (tmp_path / "transcripts").mkdir()
    (tmp_path / "transcripts" / "a-1.txt").write_text("better")
    (tmp_path / "results_1.csv").write_text("ours")
    outbox.expect([tmp_path / "transcripts" / "a-1.txt"])
    assert outbox.bring()
    assert bucket.objects["night/transcripts/a-1.txt"] == b"better"
    outbox.expect([tmp_path / "results_1.csv"])
    assert not outbox.bring()
    assert outbox.trouble
    assert "another object has this name" in outbox.trouble
    assert bucket.objects["night/results_1.csv"] == b"another's"


def test_a_driver_that_is_missing_costs_the_upload_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs.core", None)
    outbox = Outbox(OutputSettings(directory=tmp_path, upload_to="gs://results/night"))
    outbox.expect([tmp_path / "results_1.csv"])
    (tmp_path / "results_1.csv").write_text("ours")
    assert not outbox.bring()
    assert outbox.trouble
    assert "earshot[gcs]" in outbox.trouble
    outbox.close()
    assert "results_1.csv" in (tmp_path / LEDGER).read_text()
