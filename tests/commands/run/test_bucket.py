"""The main job on buckets: recordings come from one, results go into one; done once, and nothing is left behind."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.materials.recordings import sample_speech, write_wav
from db.embedded.server import EmbeddedServer
from tests.commands.running import SCRIPTED, Workplace
from tests.databases import TEMPLATE, fresh_database
from tests.pipeline.sources.bucket_server import Bucket, serving
from tests.pipeline.sources.queue_server import serving_queue
from tests.pipeline.sources.test_events import notification


@pytest.fixture
def url(server: EmbeddedServer) -> Iterator[str]:
    yield from fresh_database(server, TEMPLATE)


def test_a_bucket_is_processed_like_a_folder(url: str, tmp_path: Path) -> None:
    speech = sample_speech(12.0)
    objects = {}
    for number in range(3):
        path = write_wav(tmp_path / "one.wav", speech[number * 32_000 :][:96_000])
        objects[f"night/2026090{number + 1}-100000_inbound.wav"] = path.read_bytes()
    objects["night/broken.wav"] = b"no recording at all" * 200
    with serving(objects) as bucket:
        place = Workplace(Path("unused"), tmp_path / "output", url)
        how = (f"endpoint_url={bucket.url}", "anonymous=true", "addressing=path", "region=eu-central-1", "attempts=2")
        settings = [
            *SCRIPTED,
            *(f"input.s3.{name}" for name in how),
            "input.min_age_s=0",
            "output.upload_to=s3://results/delivered",
            "output.transcripts.formats=[txt]",
            *(f"output.s3.{name}" for name in how),
        ]
        first = place.run("--input", "s3://recordings/night", settings=settings)
        assert first.returncode == 0, first.stderr
        rows = {row["file_name"]: row for row in place.rows("SELECT * FROM calls")}
        assert {name: row["status"] for name, row in rows.items()} == {
            "20260901-100000_inbound.wav": "done",
            "20260902-100000_inbound.wav": "done",
            "20260903-100000_inbound.wav": "done",
            "broken.wav": "skipped",
        }
        assert rows["20260901-100000_inbound.wav"]["source_uri"] == "s3://recordings/night/20260901-100000_inbound.wav"
        assert not [path for path in (tmp_path / "output" / "spool").rglob("*") if path.is_file()]
        delivered_in(bucket, [name for name, row in rows.items() if row["status"] == "done"])
        before, results = set(bucket.objects), results_in(bucket)
        del bucket.requests[:]
        again = place.run("--input", "s3://recordings/night", settings=settings)
        assert again.returncode == 0, again.stderr
        assert "0 done" in again.stdout
        assert not [path for path in bucket.requests if path.startswith("/recordings/night/")], "none is brought again"
        assert results_in(bucket) == results
        assert {key.partition("_20")[0] for key in set(bucket.objects) - before} == {
            f"delivered/{name}" for name in ("failed_calls", "file_statuses", "performance_report")
        }
        by_messages(place, bucket, settings)
    gone = place.run("--input", "s3://recordings/night", settings=[*settings, "input.s3.attempts=1"])
    assert gone.returncode == 3, "a bucket out of reach is no empty bucket"


def results_in(bucket: Bucket) -> dict[str, bytes]:
    """What is delivered for each call."""
    kinds = ("delivered/results_", "delivered/calls_", "delivered/transcripts/")
    return {key: content for key, content in bucket.objects.items() if key.startswith(kinds)}


def delivered_in(bucket: Bucket, names: list[str]) -> None:
    (results,) = (content for key, content in results_in(bucket).items() if key.startswith("delivered/results_"))
    rows = csv.DictReader(io.StringIO(results.decode("utf-8-sig"), newline=""))
    assert sorted(row["file_name"] for row in rows) == sorted(names)
    stems = {key.removeprefix("delivered/transcripts/").rpartition("-")[0] for key in results_in(bucket)} - {""}
    assert stems == {name.removesuffix(".wav") for name in names}


def by_messages(place: Workplace, bucket: Bucket, settings: list[str]) -> None:
    """A queue tells of a new object, of one that is no recording and of one that is gone."""
    bucket.objects["night/new.wav"] = bucket.objects["night/20260902-100000_inbound.wav"]
    keys = ("night/new.wav", "night/broken.wav", "night/gone.wav")
    with serving_queue(*map(notification, keys), "no message of a bucket") as queue:
        events = [f"input.events.queue_url={queue.url}", f"input.events.endpoint_url={queue.url.rpartition('/123')[0]}"]
        told = place.run("--input", "s3://recordings/night", settings=[*settings, *events, "input.events.wait_s=0"])
        assert told.returncode == 0, told.stderr
        assert "found 2 = 1 done" in told.stdout
        assert (queue.waiting, queue.hidden) == (["no message of a bucket"], {})
    assert place.rows("SELECT status FROM calls WHERE file_name = 'new.wav'") == [{"status": "done"}]
