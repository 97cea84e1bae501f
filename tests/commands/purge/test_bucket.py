"""Erased calls in the bucket of results."""

from __future__ import annotations

import json

import pytest

from commands.purge.bucket import erase_in_bucket
from commands.purge.files import FilesOutcome, Named, named
from db.erasure import Erasable
from db.export.transcripts import file_stem_of
from pipeline.config.areas.output import OutputSettings
from tests.pipeline.sources.bucket_server import Bucket, serving

ERASED, KEPT = "11111111-0000-0000-0000-000000000000", "22222222-0000-0000-0000-000000000000"
CSV = f"call_id,file_name\r\n{ERASED},a.wav\r\n{KEPT},b.wav\r\n".encode()


def what() -> Named:
    erased = Erasable(
        call_id=ERASED, source_uri="s3://recordings/a.wav", second_uri=None, file_name="a.wav", second_file=None,
        audio_sha256="aa", size_bytes=1, modified_at=None, etag=None, transcript_fingerprint=None,
    )  # fmt: skip
    return named([erased], ())


def settings_for(bucket: Bucket) -> OutputSettings:
    s3 = {"endpoint_url": bucket.url, "region": "eu-central-1", "anonymous": True, "addressing": "path", "attempts": 2}
    return OutputSettings.model_validate({"upload_to": "s3://results/night", "s3": s3})


def objects() -> dict[str, bytes]:
    return {
        f"night/transcripts/{file_stem_of('a.wav', ERASED)}.txt": b"my card",
        f"night/transcripts/{file_stem_of('b.wav', KEPT)}.txt": b"my balance",
        "night/results_1.csv": CSV,
        "night/failed_calls_1.json": json.dumps([{"call_id": KEPT}]).encode(),
        "nightly/results_1.csv": CSV,
    }


def test_transcripts_go_and_tables_are_cleaned() -> None:
    with serving(objects()) as bucket:
        outcome = FilesOutcome()
        assert erase_in_bucket(settings_for(bucket), what(), outcome, write=False) == []
        assert bucket.objects == objects(), "a preview changes nothing"
        assert (outcome.counts["files of a call"], outcome.counts["files cleaned"]) == (1, 1)
        assert erase_in_bucket(settings_for(bucket), what(), FilesOutcome(), write=True) == []
        wanted = objects()
        del wanted[f"night/transcripts/{file_stem_of('a.wav', ERASED)}.txt"]
        wanted["night/results_1.csv"] = f"call_id,file_name\r\n{KEPT},b.wav\r\n".encode()
        assert bucket.objects == wanted, "nothing beside the prefix is touched"


@pytest.mark.parametrize("trouble", ["forbidden", "failures"])
def test_a_bucket_out_of_reach_is_named_as_left(trouble: str) -> None:
    with serving(objects()) as bucket:
        setattr(bucket, trouble, 1000)
        (told,) = erase_in_bucket(settings_for(bucket), what(), FilesOutcome(), write=True)
        assert "s3://results/night: copies of erased calls may be left" in told
