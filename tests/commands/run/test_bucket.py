"""The main job on a bucket: recordings are brought here, done once, and nothing is left behind."""

from __future__ import annotations

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
        settings = [
            *SCRIPTED,
            f"input.s3.endpoint_url={bucket.url}",
            "input.s3.anonymous=true",
            "input.s3.addressing=path",
            "input.s3.region=eu-central-1",
            "input.min_age_s=0",
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
        again = place.run("--input", "s3://recordings/night", settings=settings)
        assert again.returncode == 0, again.stderr
        assert "0 done" in again.stdout
        by_messages(place, bucket, settings)
    gone = place.run("--input", "s3://recordings/night", settings=[*settings, "input.s3.attempts=1"])
    assert gone.returncode == 3, "a bucket out of reach is no empty bucket"


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
