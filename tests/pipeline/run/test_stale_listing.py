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


@pytest.mark.parametrize(
    ("listed", "first", "waiting"),
    [
        ({"kept", "late"}, {"found": 2, "done": 2, "failed": 0}, {"replaced"}),
        ({"kept", "late", "replaced", "gone"}, {"found": 4, "done": 3, "failed": 1}, set()),
        ({"kept", "late", "older"}, {"found": 3, "done": 2, "failed": 1}, {"replaced"}),
        (set(), {"found": 0, "done": 0, "failed": 0}, {"kept", "late", "replaced"}),
    ],
    ids=["one is not listed yet", "one that is gone is listed", "a version before is listed", "nothing is listed yet"],
)
def test_a_listing_that_is_behind_loses_no_recording(
    url: str, tmp_path: Path, bucket: Bucket, listed: set[str], first: dict[str, int], waiting: set[str]
) -> None:
    shown = {f"calls/{name}.wav": HELD.get(f"calls/{name}.wav", bytes(2000)) for name in listed - {"older"}}
    if "older" in listed:
        shown["calls/replaced.wav"] = b"before it was replaced" * 100
    bucket.listed = shown
    counts, _ = outcome_of(url, tmp_path, bucket)
    assert {name: counts[name] for name in first} == first
    bucket.listed = None
    bucket.requests.clear()
    counts, statuses = outcome_of(url, tmp_path, bucket)
    assert (counts["found"], counts["done"], counts["failed"]) == (3, len(waiting), 0)
    assert {name for name, status in statuses.items() if status == "done"} == {"kept.wav", "replaced.wav", "late.wav"}
    brought = {path.rpartition("/")[2] for path in bucket.requests if path.startswith("/recordings/calls/")}
    assert brought == {f"{name}.wav" for name in waiting}, "what was done is not brought again"
