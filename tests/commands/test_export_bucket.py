"""`run.py export s3://bucket/name`: what lies in a folder otherwise lies in a bucket."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from posixpath import normpath
from urllib.parse import unquote

import pytest

from commands.export import Wanted, export_calls
from db.ledger.store import PostgresStore
from db.queries.chosen import CallFilter
from pipeline.errors import ConfigurationError, ServiceUnavailable
from tests.pipeline.sources.bucket_server import Bucket, serving
from tests.recorded import store_recorded, write_two_sides

Export = Callable[..., int]


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving({"calls/rooms/index.html": b"of last week", "calls/other.csv": b"another's"}) as held:
        yield held


@pytest.fixture
def export(store: PostgresStore, run_id: str, tmp_path: Path, bucket: Bucket, url: str) -> Export:
    for number, name in enumerate(("a <b>&'.wav", "ü #1?.wav")):
        store_recorded(store, run_id, write_two_sides(tmp_path / name), f"sha{number}")

    def export(to: str, *formats: str, audio: bool = True) -> int:
        how = (f"endpoint_url={bucket.url}", "anonymous=true", "addressing=path", "region=eu-central-1", "attempts=2")
        wanted = Wanted(to=to, formats=formats, table=None, columns=(), calls=CallFilter(), audio=audio)
        settings = [f"database.url={url}", *(f"output.s3.{name}" for name in how)]
        (tmp_path / "config.yaml").touch()
        return export_calls(tmp_path / "config.yaml", settings, wanted)

    return export


def test_the_reading_room_in_a_bucket_is_whole_and_its_index_comes_last(export: Export, bucket: Bucket) -> None:
    assert export("s3://results/calls/rooms/", "html") == 0
    below = {key: content for key, content in bucket.objects.items() if key.startswith("calls/rooms/")}
    pages = {key: content.decode() for key, content in below.items() if key.endswith(".html")}
    assert len(pages) == 4
    named = set()
    for key, html in pages.items():
        sides = [side for sides in re.findall(r'data-sides="([^"]*)"', html) for side in sides.split()]
        for address in [*re.findall(r'(?:href|src|action)="([^"]*)"', html), *sides]:
            path = unquote(re.split("[?#]", unescape(address))[0])
            named.add(normpath(f"{key.rpartition('/')[0]}/{path}") if path else key)
    assert named | set(pages) == set(below), "every address is an object, and every object has one"
    assert [key for key in below if key.endswith(".wav")]
    uploads = [request for request in bucket.requests if request.startswith("PUT ")]
    assert uploads[-1] == "PUT /results/calls/rooms/index.html"
    assert bucket.objects["calls/other.csv"] == b"another's"


def test_tables_and_transcripts_go_there_too(export: Export, bucket: Bucket, capfd: pytest.CaptureFixture[str]) -> None:
    assert export("s3://results/calls/night.csv") == 0
    assert "s3://results/calls/night.csv: 2 calls" in " ".join(capfd.readouterr().out.split())
    rows = csv.DictReader(io.StringIO(bucket.objects["calls/night.csv"].decode("utf-8-sig"), newline=""))
    assert sorted(row["file_name"] for row in rows) == ["a <b>&'.wav", "ü #1?.wav"]
    assert export("s3://results/calls/night", "jsonl", "txt") == 0
    assert {key.rpartition(".")[2] for key in bucket.objects if key.startswith("calls/night/")} == {"txt"}
    assert bucket.objects["calls/night.jsonl"].count(b"\n") == 2


def test_a_flaky_server_loses_no_page(export: Export, bucket: Bucket) -> None:
    bucket.failures = bucket.loses_uploads = bucket.cuts_uploads = bucket.lost_answers = 1
    assert export("s3://results/pages", "html", audio=False) == 0
    pages = {key: content for key, content in bucket.objects.items() if key.startswith("pages/")}
    assert len([key for key in pages if key.endswith(".html")]) == 4
    assert {key: hashlib.sha256(content).hexdigest() for key, content in pages.items()} == {
        key: bucket.hashes[key] for key in pages
    }
    assert bucket.failures + bucket.loses_uploads + bucket.cuts_uploads + bucket.lost_answers == 0


def test_a_bucket_that_takes_nothing_is_an_error_and_no_index_names_missing_pages(
    export: Export, bucket: Bucket
) -> None:
    bucket.loses_uploads = 1000
    with pytest.raises(ServiceUnavailable, match=r"s3://results/calls/rooms/.*not uploaded"):
        export("s3://results/calls/rooms", "html", audio=False)
    assert bucket.objects["calls/rooms/index.html"] == b"of last week"


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("s3://results", r"names a bucket alone; write s3://results/name"),
        ("ftp://results/night.csv", "this kind of address is not known"),
    ],
)
def test_an_address_that_names_no_object_is_refused(export: Export, to: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        export(to, "csv")
