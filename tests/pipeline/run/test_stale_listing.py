"""Buckets whose listing is behind what they hold: what it left out, got wrong or still names costs a night, no call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from db.embedded.server import EmbeddedServer
from pipeline.config.areas.sources import InputSettings
from pipeline.sources.bucket import BucketSource
from tests.databases import TEMPLATE, fresh_database
from tests.pipeline.run.test_batch import run
from tests.pipeline.sources.bucket_server import Bucket, serving

HELD = {f"calls/{name}.wav": name.encode() * 1000 for name in ("kept", "replaced", "late")}
"""What is in the bucket."""


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving(dict(HELD)) as held:
        yield held


@pytest.fixture
def url(server: EmbeddedServer) -> Iterator[str]:
    yield from fresh_database(server, TEMPLATE)


def outcome_of(url: str, folder: Path, bucket: Bucket) -> tuple[Mapping[str, int], Mapping[str, str]]:
    """Counts of a run over the bucket, and status by file name afterwards."""
    s3 = {"endpoint_url": bucket.url, "anonymous": True, "addressing": "path", "region": "eu-central-1", "attempts": 2}
    settings = InputSettings.model_validate({"path": "s3://recordings/calls", "s3": s3})
    result, rows = run(url, folder, [], source=BucketSource(settings), attempts=2)
    assert result.adds_up
    return result.counts, {name: row[0] for name, row in rows["calls"].items()}


def test_a_listing_that_is_behind_loses_no_recording(url: str, tmp_path: Path, bucket: Bucket) -> None:
    """It names one that is gone and another as it was before it was replaced, and one is not listed yet."""
    bucket.listed = {
        "calls/gone.wav": bytes(2000),
        "calls/kept.wav": HELD["calls/kept.wav"],
        "calls/replaced.wav": b"before it was replaced" * 100,
    }
    counts, statuses = outcome_of(url, tmp_path, bucket)
    assert (counts["found"], counts["done"], counts["failed"]) == (3, 1, 2)
    assert statuses == {"kept.wav": "done", "gone.wav": "failed", "replaced.wav": "failed"}
    bucket.listed = None
    bucket.requests.clear()
    counts, statuses = outcome_of(url, tmp_path, bucket)
    assert (counts["found"], counts["done"], counts["failed"]) == (3, 2, 0)
    assert {name for name, status in statuses.items() if status == "done"} == {"kept.wav", "replaced.wav", "late.wav"}
    brought = {path.rpartition("/")[2] for path in bucket.requests if path.startswith("/recordings/calls/")}
    assert brought == {"replaced.wav", "late.wav"}, "what was done is not brought again"
