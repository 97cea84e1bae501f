"""Objects brought in one piece or in ranges at once: throttled, flaky and lying servers lose and mix nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.config.areas.buckets import S3Settings
from pipeline.errors import SourceUnreadable
from pipeline.objects.download import Downloads
from pipeline.objects.port import Span
from pipeline.objects.s3 import S3Store
from tests.pipeline.sources.bucket_server import Bucket, etag, serving

CONTENT = os.urandom(700_000)
PARTS = 7


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Bucket, S3Store]]:
    """One client for all: making one costs more than most of these tests."""
    with serving({}) as held:
        yield held, S3Store("recordings", settings_for(held))


@pytest.fixture
def bucket(served: tuple[Bucket, S3Store]) -> Bucket:
    held, _ = served
    held.reset({"a.wav": CONTENT})
    return held


@pytest.fixture
def store(served: tuple[Bucket, S3Store], bucket: Bucket) -> S3Store:
    return served[1]


def settings_for(bucket: Bucket, **more: object) -> S3Settings:
    return S3Settings.model_validate(
        {
            "endpoint_url": bucket.url,
            "region": "eu-central-1",
            "anonymous": True,
            "addressing": "path",
            "attempts": 3,
            "part_mb": 0.1,
            "connections": 3,
            **more,
        }
    )


def brought(bucket: Bucket, store: S3Store, to: Path, **more: object) -> bytes:
    settings = settings_for(bucket, **more)
    path = to / "object"
    path.touch()
    whole = Span(key="a.wav", etag=etag(CONTENT), first=0, length=len(CONTENT), size_bytes=len(CONTENT))
    Downloads(store, settings).bring(whole, "s3://recordings/a.wav", path)
    return path.read_bytes()


def ranges_of(bucket: Bucket) -> int:
    return len([path for path in bucket.requests if "a.wav" in path])


def test_a_large_object_comes_in_ranges_and_a_small_one_in_one_piece(
    bucket: Bucket, store: S3Store, tmp_path: Path
) -> None:
    assert brought(bucket, store, tmp_path) == CONTENT
    assert ranges_of(bucket) == PARTS
    bucket.requests.clear()
    assert brought(bucket, store, tmp_path, part_mb=1) == CONTENT
    assert ranges_of(bucket) == 1
    assert bucket.sent_bytes == 2 * len(CONTENT)


def changed_after(number: int, bucket: Bucket) -> Callable[[str], None]:
    def look(key: str) -> None:
        if ranges_of(bucket) > number:
            bucket.objects[key] = os.urandom(len(CONTENT))

    return look


@pytest.mark.parametrize("part_mb", [0.1, 1.0], ids=["ranges", "whole"])
@pytest.mark.parametrize(
    "trouble",
    [{"failures": 2}, {"broken_bodies": 2}, {"short_lengths": 2}, {"failures": 1, "broken_bodies": 1}],
    ids="+".join,
)
def test_throttled_and_flaky_servers_lose_nothing(
    bucket: Bucket, store: S3Store, tmp_path: Path, trouble: dict[str, int], part_mb: float
) -> None:
    """An answer that said it was half as long as the object was taken for the whole recording."""
    for name, value in trouble.items():
        setattr(bucket, name, value)
    assert brought(bucket, store, tmp_path, part_mb=part_mb) == CONTENT
    assert all(getattr(bucket, name) == 0 for name in trouble)


def test_a_range_that_broke_off_goes_on_where_it_was(bucket: Bucket, store: S3Store, tmp_path: Path) -> None:
    bucket.broken_bodies = PARTS
    assert brought(bucket, store, tmp_path, attempts=5) == CONTENT
    assert bucket.sent_bytes < 2 * len(CONTENT)


def test_a_server_that_knows_no_ranges_sends_the_whole(bucket: Bucket, store: S3Store, tmp_path: Path) -> None:
    bucket.ignores_ranges = True
    assert brought(bucket, store, tmp_path) == CONTENT


@pytest.mark.parametrize("ignores_conditions", [False, True])
def test_two_versions_are_never_mixed(bucket: Bucket, store: S3Store, tmp_path: Path, ignores_conditions: bool) -> None:
    bucket.on_get = changed_after(3, bucket)
    bucket.ignores_conditions = ignores_conditions
    with pytest.raises(SourceUnreadable, match=r"s3://recordings/a\.wav: changed since it was found"):
        brought(bucket, store, tmp_path)


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        ({"broken_bodies": 1000}, "broke off 3 times"),
        ({"short_lengths": 1000}, "broke off 3 times: .* did not come"),
        ({"failures": 1000}, "SlowDown"),
        ({"forbidden": True}, "AccessDenied.*s3:GetObject"),
    ],
)
def test_what_never_comes_is_said(
    bucket: Bucket, store: S3Store, tmp_path: Path, trouble: dict[str, int], message: str
) -> None:
    for name, value in trouble.items():
        setattr(bucket, name, value)
    with pytest.raises(SourceUnreadable, match=message):
        brought(bucket, store, tmp_path, part_mb=1)


def test_one_range_that_fails_ends_the_others(bucket: Bucket, store: S3Store, tmp_path: Path) -> None:
    bucket.objects["a.wav"] = CONTENT[:250_000]
    bucket.ignores_conditions = True
    with pytest.raises(SourceUnreadable, match="changed since"):
        brought(bucket, store, tmp_path, connections=1)
    assert ranges_of(bucket) < PARTS
