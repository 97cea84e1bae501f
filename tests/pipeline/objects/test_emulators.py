"""Google Cloud Storage and Azure Blob by their real drivers, against emulators on loopback where there are any."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.config.areas.buckets import S3Settings
from pipeline.config.areas.sources import InputSettings
from pipeline.errors import InputUnavailable
from pipeline.objects.choice import open_store
from pipeline.objects.port import ObjectExists, ObjectGone, ObjectStore
from pipeline.objects.upload import Destination
from pipeline.records import FoundCall
from pipeline.sources.bucket import BucketSource
from tests.waiting import until

_AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Of the account that every Azure emulator has; published, no secret."""
CONTENT = os.urandom(300_000)
"""Comes in three ranges."""


@dataclass(frozen=True, slots=True)
class Emulated:
    """An empty bucket, `calls`."""

    scheme: str
    s3: S3Settings

    @property
    def store(self) -> ObjectStore:
        return open_store(f"{self.scheme}://calls", self.s3)


@pytest.fixture
def google() -> Iterator[Emulated]:
    pytest.importorskip("gcsfs", reason="needs the extra `gcs`")
    emulator = pytest.importorskip("gcp_storage_emulator.server", reason="needs gcp-storage-emulator")
    with emulator.create_server("127.0.0.1", 0, in_memory=True, default_bucket="calls") as server:
        address = f"http://127.0.0.1:{server._api._httpd.server_port}"
        yield Emulated("gs", S3Settings(endpoint_url=address, anonymous=True, part_mb=0.1, attempts=2))


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulated]:
    pytest.importorskip("adlfs", reason="needs the extra `abfs`")
    program = shutil.which("azurite-blob")
    if program is None:
        pytest.skip("needs azurite")
    log = tmp_path / "azurite.log"
    command = [program, "--blobPort", "0", "--location", str(tmp_path / "azurite")]
    with (
        log.open("w") as output,
        subprocess.Popen(
            [*command, "--skipApiVersionCheck", "--disableTelemetry"], stdout=output, stderr=output
        ) as run,
    ):
        try:
            until(lambda: "successfully listens on" in log.read_text())
            address = log.read_text().split("successfully listens on ")[1].split()[0]
            connection = (
                f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={_AZURE_KEY};"
                f"BlobEndpoint={address}/devstoreaccount1;"
            )
            monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", connection)
            blobs = importlib.import_module("azure.storage.blob").BlobServiceClient.from_connection_string(connection)
            blobs.create_container("calls")
            yield Emulated("abfs", S3Settings(part_mb=0.1, attempts=2))
        finally:
            run.terminate()


@pytest.fixture(params=["google", "azure"])
def emulated(request: pytest.FixtureRequest) -> Emulated:
    made: Emulated = request.getfixturevalue(request.param)
    return made


def put(emulated: Emulated, folder: Path, key: str, content: bytes, *, replace: bool = False) -> None:
    path = folder / "local"
    path.write_bytes(content)
    emulated.store.put(key, path, hashlib.sha256(content).hexdigest(), replace=replace)


def test_recordings_come_from_there_and_results_go_there(emulated: Emulated, tmp_path: Path) -> None:
    put(emulated, tmp_path, "in/2026/20260914-101502_inbound (1)+ü.wav", CONTENT)
    put(emulated, tmp_path, "in/b.wav", CONTENT[:5000])
    put(emulated, tmp_path, "in-old/c.wav", CONTENT)
    source = BucketSource(
        InputSettings.model_validate({"path": f"{emulated.scheme}://calls/in", "s3": emulated.s3.model_dump()})
    )
    found = [item for item in source.discover() if isinstance(item, FoundCall)]
    assert {call.file_name: call.size_bytes for call in found} == {
        "20260914-101502_inbound (1)+ü.wav": len(CONTENT),
        "b.wav": 5000,
    }
    for call in found:
        with source.fetch(call, tmp_path / "spool") as path:
            assert path.read_bytes() == CONTENT[: call.size_bytes]
    (tmp_path / "results.csv").write_bytes(b"a,b\r\n" * 1000)
    Destination(f"{emulated.scheme}://calls/out", emulated.s3).upload({"results.csv": tmp_path / "results.csv"})
    assert [item.key for item in emulated.store.listed("out")] == ["out/results.csv"]


def test_a_name_is_given_once_and_what_is_deleted_is_gone(emulated: Emulated, tmp_path: Path) -> None:
    put(emulated, tmp_path, "out/results.csv", b"ours")
    put(emulated, tmp_path, "out/results.csv", b"ours")
    with pytest.raises(ObjectExists):
        put(emulated, tmp_path, "out/results.csv", b"another's")
    put(emulated, tmp_path, "out/results.csv", b"newer", replace=True)
    assert emulated.store.look("out/results.csv").size_bytes == 5
    emulated.store.delete("out/results.csv")
    emulated.store.delete("out/results.csv")
    with pytest.raises(ObjectGone):
        emulated.store.look("out/results.csv")


def test_a_bucket_that_is_not_there_is_no_empty_one(emulated: Emulated) -> None:
    settings = InputSettings.model_validate(
        {"path": f"{emulated.scheme}://elsewhere/in", "s3": emulated.s3.model_dump()}
    )
    with pytest.raises(InputUnavailable, match="no such bucket"):
        list(BucketSource(settings).discover())
