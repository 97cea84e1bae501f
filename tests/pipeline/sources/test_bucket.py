from __future__ import annotations

import io
import os
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.config.areas.sources import InputSettings
from pipeline.errors import InputUnavailable, SourceUnreadable
from pipeline.masking import masked
from pipeline.outside import MAX_ANSWER_BYTES
from pipeline.records import FoundCall, SkippedFile
from pipeline.sources.addressed import AddressedSource
from pipeline.sources.bucket import BucketSource
from pipeline.sources.probe import probe_call
from pipeline.sources.source import CallSource, build_source
from tests.pipeline.sources.bucket_server import Bucket, etag, serving
from tests.pipeline.sources.helpers import calls, reasons, wav_bytes


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving({"calls/a.wav": wav_bytes()}) as held:
        yield held


def settings_of(bucket: Bucket, path: str = "s3://recordings/calls/", **settings: object) -> InputSettings:
    given = settings.pop("s3", {})
    assert isinstance(given, dict)
    s3 = {
        "endpoint_url": bucket.url,
        "region": "eu-central-1",
        "anonymous": True,
        "addressing": "path",
        "attempts": 3,
        "connect_timeout_s": 5,
        "read_timeout_s": 5,
        **given,
    }
    return InputSettings.model_validate({"path": path, "s3": s3, **settings})


def source_of(bucket: Bucket, path: str = "s3://recordings/calls/", **settings: object) -> CallSource:
    return build_source(settings_of(bucket, path, **settings))


def test_lists_page_by_page_with_reasons(bucket: Bucket) -> None:
    bucket.objects = {
        "calls/": b"",
        "calls/2026/20260914-101502_inbound_agent-4711_(1)+ü.wav": wav_bytes(),
        "calls/b.wav": wav_bytes(),
        "calls/c.wav": b"",
        "calls/d.wav": b"RIFF",
        "calls/e.txt": b"x" * 2000,
        "calls/f.wav.part": wav_bytes(),
        "calls/g.wav": wav_bytes(),
        "calls/h.zip": wav_bytes(),
        "calls/.trash/i.wav": wav_bytes(),
        "other/j.wav": wav_bytes(),
    }
    bucket.storage_classes["calls/g.wav"] = "GLACIER"
    items = list(source_of(bucket).discover())
    found = calls(items)
    assert set(found) == {"20260914-101502_inbound_agent-4711_(1)+ü.wav", "b.wav"}
    assert reasons(items) == {
        "c.wav": "empty",
        "d.wav": "too_small",
        "e.txt": "other_type",
        "f.wav.part": "temporary",
        "g.wav": "archived",
        "h.zip": "bad_archive",
        "i.wav": "hidden",
    }
    first = found["20260914-101502_inbound_agent-4711_(1)+ü.wav"]
    assert first.modified_at == datetime(2026, 9, 14, 8, 15, 2, tzinfo=UTC)
    assert first.metadata.agent_id == "4711"
    assert first.etag
    assert set(calls(source_of(bucket, include=["2026/*"]).discover())) == {first.file_name}
    assert set(calls(source_of(bucket, recursive=False).discover())) == {"b.wav"}


@pytest.mark.parametrize("key", ["/etc/x.wav", "x\\..\\y.wav", "#? %41.wav", "a.w$v"])
def test_keys_cannot_escape_the_spool(bucket: Bucket, tmp_path: Path, key: str) -> None:
    bucket.objects = {f"calls/{key}": wav_bytes()}
    source = source_of(bucket, extensions=["*"])
    (call,) = source.discover()
    assert isinstance(call, FoundCall)
    spool = tmp_path / "spool"
    with source.fetch(call, spool) as path:
        assert path.parent == spool
        assert path.read_bytes() == wav_bytes()
        assert [entry.name for entry in tmp_path.iterdir()] == ["spool"]
    assert list(spool.iterdir()) == []


def test_a_prefix_is_a_folder_or_an_object(bucket: Bucket) -> None:
    bucket.objects = {f"calls{rest}": wav_bytes() for rest in ("/a.wav", "-old/b.wav", ".wav")}
    assert set(calls(source_of(bucket, "s3://recordings/calls").discover())) == {"a.wav"}
    assert set(calls(source_of(bucket, "s3://recordings/calls.wav").discover())) == {"calls.wav"}
    assert len(calls(source_of(bucket, "s3://recordings").discover())) == 3


@pytest.mark.parametrize("key", ["../../escape.wav", "a/../../b.wav"])
def test_keys_that_name_a_folder_above_are_refused(bucket: Bucket, key: str) -> None:
    bucket.objects = {f"calls/{key}": wav_bytes()}
    assert reasons(source_of(bucket).discover()) == {key.rpartition("/")[2]: "unsafe_path"}


def zipped(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return content.getvalue()


def delivery_of(*, sounds: int = 3) -> tuple[dict[str, bytes], bytes]:
    """Members of more than a megabyte, so that an archive has several blocks; and the archive."""
    members = {f"in/{number}.wav": os.urandom(1_200_000) for number in range(sounds)}
    return members, zipped(members)


def test_a_zip_in_a_bucket_is_read_by_ranges(bucket: Bucket, tmp_path: Path) -> None:
    members, archive = delivery_of()
    bucket.objects = {"calls/night.zip": archive}
    source = source_of(bucket)
    found = calls(source.discover())
    assert set(found) == {"0.wav", "1.wav", "2.wav"}
    assert found["1.wav"].source_uri == "s3://recordings/calls/night.zip!/in/1.wav"
    assert bucket.sent_bytes < len(archive), "its directory is at its end"
    bucket.sent_bytes = 0
    with source.fetch(found["1.wav"], tmp_path) as path:
        assert path.read_bytes() == members["in/1.wav"]
    assert bucket.sent_bytes < len(archive)
    assert list(tmp_path.iterdir()) == []
    assert isinstance(source, BucketSource)
    assert source.beginning(found["2.wav"], 1000) == members["in/2.wav"][:1000]


@pytest.mark.parametrize("trouble", ["failures", "broken_bodies", "short_lengths"])
def test_a_zip_from_a_flaky_server_loses_no_member(bucket: Bucket, tmp_path: Path, trouble: str) -> None:
    members, archive = delivery_of()
    bucket.objects = {"calls/night.zip": archive}
    source = source_of(bucket)
    setattr(bucket, trouble, 1)
    found = calls(source.discover())
    assert len(found) == len(members)
    worker = AddressedSource(settings_of(bucket))
    for call in found.values():
        setattr(bucket, trouble, 1)
        with worker.fetch(call, tmp_path) as path:
            assert path.read_bytes() == members[f"in/{call.file_name}"]


@pytest.mark.parametrize("ignores_conditions", [False, True])
def test_a_zip_that_was_replaced_is_left_for_the_next_run_and_not_mixed(
    bucket: Bucket, tmp_path: Path, ignores_conditions: bool
) -> None:
    _, archive = delivery_of()
    bucket.objects = {"calls/night.zip": archive}
    bucket.ignores_conditions = ignores_conditions
    source = source_of(bucket)
    found = calls(source.discover())
    members, bucket.objects["calls/night.zip"] = delivery_of()
    with (
        pytest.raises(SourceUnreadable, match=r"night\.zip!/in/0\.wav: changed since"),
        source.fetch(found["0.wav"], tmp_path),
    ):
        pass
    with source.fetch(found["0.wav"], tmp_path) as path:
        assert path.read_bytes() == members["in/0.wav"], "the archive as it is now, whole"
    del bucket.objects["calls/night.zip"]
    fresh = AddressedSource(settings_of(bucket))
    with pytest.raises(SourceUnreadable, match="vanished"), fresh.fetch(found["0.wav"], tmp_path):
        pass


def test_a_zip_that_cannot_be_read_now_is_said_and_the_rest_is_found(bucket: Bucket) -> None:
    bucket.objects = {"calls/a.wav": wav_bytes(), "calls/night.zip": delivery_of()[1]}
    bucket.ignores_ranges = True
    items = list(source_of(bucket).discover())
    assert set(calls(items)) == {"a.wav"}
    (archive,) = (item for item in items if isinstance(item, SkippedFile))
    assert (archive.reason, archive.source_uri) == ("unreadable_archive", "s3://recordings/calls/night.zip")
    assert "whole objects only" in archive.message


def first_call(source: CallSource) -> FoundCall:
    (call,) = source.discover()
    assert isinstance(call, FoundCall)
    return call


def test_throttling_and_broken_bodies_are_tried_again(bucket: Bucket, tmp_path: Path) -> None:
    bucket.objects = {"calls/a.wav": os.urandom(3_000_000)}
    source = source_of(bucket)
    bucket.failures = 1
    call = first_call(source)
    bucket.failures, bucket.broken_bodies = 1, 1
    with source.fetch(call, tmp_path) as path:
        assert path.read_bytes() == bucket.objects["calls/a.wav"]
    bucket.broken_bodies = 10
    with pytest.raises(SourceUnreadable, match="broke off 3 times"), source.fetch(call, tmp_path):
        pass
    assert bucket.broken_bodies == 7, "bounded"
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_drips_bytes_holds_a_download_no_longer_than_its_limit(bucket: Bucket, tmp_path: Path) -> None:
    """Each byte came within the read time-out, so that a thread was held for hours."""
    bucket.drip_s = 0.05
    source = source_of(bucket, s3={"download_timeout_s": 1.0})
    call = first_call(source)
    began = time.monotonic()
    with (
        pytest.raises(SourceUnreadable, match=r"after 1 s.*input\.s3\.download_timeout_s"),
        source.fetch(call, tmp_path),
    ):
        pass
    assert 0.9 < time.monotonic() - began < 4
    assert list(tmp_path.iterdir()) == []
    bucket.drip_s = 0.0
    with source.fetch(call, tmp_path) as path:
        assert path.read_bytes() == wav_bytes()


def test_downloads_that_break_off_share_one_limit(bucket: Bucket, tmp_path: Path) -> None:
    bucket.broken_bodies = 1000
    source = source_of(bucket, s3={"attempts": 20, "download_timeout_s": 1.0})
    call = first_call(source)
    began = time.monotonic()
    with pytest.raises(SourceUnreadable, match="download_timeout_s"), source.fetch(call, tmp_path):
        pass
    assert time.monotonic() - began < 10


def test_what_is_passed_over_carries_its_etag(bucket: Bucket, tmp_path: Path) -> None:
    bucket.objects = {"calls/a.wav": b"RIFF", "calls/noise.wav": b"no recording" * 200}
    source = source_of(bucket)
    small, call = source.discover()
    assert isinstance(small, SkippedFile)
    assert small.etag == etag(b"RIFF")
    assert isinstance(call, FoundCall)
    with source.fetch(call, tmp_path) as path:
        skipped = probe_call(call, (path,), InputSettings())
    assert isinstance(skipped, SkippedFile)
    assert (skipped.reason, skipped.etag) == ("not_audio", call.etag)


def test_vanished_and_changed_objects_are_transient(bucket: Bucket, tmp_path: Path) -> None:
    source = source_of(bucket)
    call = first_call(source)
    bucket.objects["calls/a.wav"] = wav_bytes(9)
    with pytest.raises(SourceUnreadable, match="changed since it was found"), source.fetch(call, tmp_path):
        pass
    del bucket.objects["calls/a.wav"]
    with pytest.raises(SourceUnreadable, match="vanished"), source.fetch(call, tmp_path):
        pass


def test_an_object_that_goes_on_beyond_its_listed_size_is_cut_off(bucket: Bucket, tmp_path: Path) -> None:
    source = source_of(bucket)
    call = replace(first_call(source), size_bytes=100)
    with pytest.raises(SourceUnreadable, match="more arrives than the 100 bytes"), source.fetch(call, tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_listing_that_goes_on_and_on_is_cut_off(bucket: Bucket) -> None:
    bucket.objects["calls/a.wav"] = b""
    bucket.objects["calls/" + "x" * (MAX_ANSWER_BYTES // 2)] = b""  # its name is sent twice
    bucket.objects["calls/" + "y" * (MAX_ANSWER_BYTES // 2)] = b""
    with pytest.raises(InputUnavailable, match="longer than"):
        list(source_of(bucket).discover())


def test_keys_from_a_file_of_credentials_are_masked(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    kept = tmp_path / "credentials"
    kept.write_text(
        "[default]\naws_access_key_id = LOCAL0001\naws_secret_access_key = odd/secret+key\n", encoding="utf-8"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(kept))
    assert list(source_of(bucket, s3={"anonymous": False}).discover())
    assert masked("it said LOCAL0001 and odd/secret+key") == "it said *** and ***"


def test_a_bucket_that_cannot_be_listed_stops_the_start(bucket: Bucket) -> None:
    bucket.forbidden = True
    with pytest.raises(InputUnavailable, match=r"s3://recordings/calls/: cannot be listed.*AccessDenied.*input\.s3"):
        list(source_of(bucket).discover())


def test_a_server_that_is_not_there_stops_the_start() -> None:
    nowhere = Bucket({})
    nowhere.url = "http://127.0.0.1:9"
    with pytest.raises(InputUnavailable, match="cannot be listed"):
        list(source_of(nowhere).discover())


def test_many_threads_share_one_source(bucket: Bucket, tmp_path: Path) -> None:
    bucket.objects = {f"calls/{place:02}.wav": os.urandom(5000) for place in range(20)}
    source = source_of(bucket)

    def same(call: FoundCall) -> bool:
        with source.fetch(call, tmp_path) as path:
            return path.read_bytes() == bucket.objects[f"calls/{call.file_name}"]

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(same, calls(source.discover()).values())) == [True] * 20


def test_one_sidecar_serves_a_bucket(bucket: Bucket, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("file_name,agent_id\na.wav,4711\n", encoding="utf-8")
    call = first_call(source_of(bucket, sidecar={"path": str(rows)}))
    assert call.metadata.agent_id == "4711"
