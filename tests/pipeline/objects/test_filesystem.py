"""Buckets through fsspec: the store's promises, held against a filesystem in memory that fails and lies."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from pipeline.config.areas.buckets import S3Settings
from pipeline.config.areas.sources import InputSettings
from pipeline.errors import InputUnavailable, SourceUnreadable
from pipeline.objects.download import Downloads
from pipeline.objects.filesystem import FilesystemStore
from pipeline.objects.port import ObjectExists, ObjectGone, Span, StoreRefused
from pipeline.sources.bucket import BucketSource

CONTENT = os.urandom(2_500_000)


class Kept(MemoryFileSystem):  # type: ignore[misc]
    """With tags, as real stores have them, and faults; each has its own objects."""

    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self.store: dict[str, Any] = {}
        self.pseudo_dirs = [""]
        self.broken = 0
        """This many reads end with an error of a driver's own."""
        self.short = 0
        """This many reads bring half."""
        self.lost = 0
        """This many uploads are acknowledged and forgotten."""
        self.halved = 0
        """Of this many uploads half is kept."""

    def info(self, path: str, **more: Any) -> dict[str, Any]:
        about: dict[str, Any] = super().info(path, **more)
        if about["type"] == "file":
            about["etag"] = hashlib.md5(self.store[self._strip_protocol(path)].getvalue()).hexdigest()
        return about

    def find(self, path: str, maxdepth: int | None = None, withdirs: bool = False, **more: Any) -> Any:
        return {name: self.info(name) for name in super().find(path, maxdepth, withdirs)}

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **more: Any) -> bytes:
        if self.broken > 0:
            self.broken -= 1
            raise RuntimeError("the driver's own")
        content: bytes = super().cat_file(path, start=start, end=end, **more)
        if self.short > 0:
            self.short -= 1
            return content[: len(content) // 2]
        return content

    def put_file(self, lpath: str, rpath: str, *args: Any, **more: Any) -> None:
        content = Path(lpath).read_bytes()
        if self.lost > 0:
            self.lost -= 1
            return
        if self.halved > 0:
            self.halved -= 1
            content = content[: len(content) // 2]
        self.pipe_file(rpath, content)


@pytest.fixture
def files() -> Kept:
    made = Kept()
    for key in ("calls/2026/b.wav", "calls/2026/a.wav", "calls-old/c.wav"):
        made.pipe_file(f"recordings/{key}", CONTENT)
    return made


@pytest.fixture
def store(files: Kept) -> FilesystemStore:
    return FilesystemStore("recordings", files, attempts=3)


def brought(store: FilesystemStore, to: Path) -> bytes:
    held = store.look("calls/2026/a.wav")
    whole = Span(key=held.key, etag=held.etag, first=0, length=held.size_bytes, size_bytes=held.size_bytes)
    path = to / "object"
    path.touch()
    Downloads(store, S3Settings(part_mb=1, attempts=3)).bring(whole, "gs://recordings/a.wav", path)
    return path.read_bytes()


def test_lists_a_folder_in_the_order_of_keys(store: FilesystemStore) -> None:
    listed = list(store.listed("calls"))
    assert [item.key for item in listed] == ["calls/2026/a.wav", "calls/2026/b.wav"]
    assert [item.key for item in store.listed("calls/", "calls/2026/a.wav")] == ["calls/2026/b.wav"]
    assert [item.key for item in store.listed("calls/2026/a.wav")] == ["calls/2026/a.wav"]
    assert listed[0].size_bytes == len(CONTENT)
    assert listed[0].modified_at.utcoffset() is not None
    assert listed[0].etag


def test_a_bucket_that_is_not_there_is_no_empty_one(store: FilesystemStore, files: Kept) -> None:
    """Azure's driver lists nothing for a container that does not exist: a night without a call, it seemed."""
    assert list(store.listed("none-yet")) == []
    with pytest.raises(StoreRefused, match="no such bucket"):
        list(FilesystemStore("elsewhere", files, attempts=3).listed("calls"))


@pytest.mark.parametrize("trouble", ["broken", "short"])
def test_flaky_drivers_lose_nothing(files: Kept, store: FilesystemStore, tmp_path: Path, trouble: str) -> None:
    setattr(files, trouble, 2)
    assert brought(store, tmp_path) == CONTENT
    setattr(files, trouble, 1000)
    with pytest.raises(SourceUnreadable, match="broke off 3 times"):
        brought(store, tmp_path)


def test_an_object_that_changed_or_vanished_is_left(files: Kept, store: FilesystemStore) -> None:
    held = store.look("calls/2026/a.wav")
    span = Span(key=held.key, etag=held.etag, first=0, length=10, size_bytes=held.size_bytes)
    files.pipe_file("recordings/calls/2026/a.wav", os.urandom(len(CONTENT)))
    with pytest.raises(SourceUnreadable, match="changed since"):
        list(store.blocks(span))
    store.delete("calls/2026/a.wav")
    store.delete("calls/2026/a.wav")
    with pytest.raises(ObjectGone):
        list(store.blocks(span))


@pytest.mark.parametrize("trouble", ["lost", "halved"])
def test_uploads_are_read_back(files: Kept, store: FilesystemStore, tmp_path: Path, trouble: str) -> None:
    path = tmp_path / "results.csv"
    path.write_bytes(b"a,b\r\n" * 100)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    setattr(files, trouble, 1)
    store.put("night/results.csv", path, sha256, replace=True)
    assert files.cat_file("recordings/night/results.csv") == path.read_bytes()
    setattr(files, trouble, 1000)
    with pytest.raises(StoreRefused, match="was taken"):
        store.put("night/others.csv", path, sha256, replace=True)


def test_a_name_is_given_once(files: Kept, store: FilesystemStore, tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_bytes(b"ours")
    sha256 = hashlib.sha256(b"ours").hexdigest()
    store.put("results.csv", path, sha256, replace=False)
    store.put("results.csv", path, sha256, replace=False)
    files.pipe_file("recordings/results.csv", b"another's")
    with pytest.raises(ObjectExists):
        store.put("results.csv", path, sha256, replace=False)
    assert files.cat_file("recordings/results.csv") == b"another's"


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs.core", None)
    with pytest.raises(InputUnavailable, match=r"gs://recordings: gs://: its driver is not installed.*earshot\[gcs\]"):
        BucketSource(InputSettings(path="gs://recordings"))
