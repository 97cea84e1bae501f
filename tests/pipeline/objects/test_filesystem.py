"""Buckets through fsspec: the store's promises, held against a filesystem in memory that fails and lies."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from pipeline.config.areas.buckets import S3Settings
from pipeline.config.areas.sources import InputSettings
from pipeline.errors import InputUnavailable, SourceUnreadable
from pipeline.objects.download import Downloads
from pipeline.objects.filesystem import FilesystemStore, open_filesystem
from pipeline.objects.port import (
    BLOCK,
    ConnectionBroke,
    ObjectChanged,
    ObjectExists,
    ObjectGone,
    Span,
    StoredObject,
    StoreRefused,
)
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


class Failing:
    """A driver that raises on whatever it is asked."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        def fail(*_: Any, **__: Any) -> Any:
            raise self._error

        return fail


VANISHED = "vanished since it was found; it is tried again in the next run"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (FileNotFoundError("gone"), (VANISHED, VANISHED, None, "a.wav: FileNotFoundError: gone")),
        (
            PermissionError("no right"),
            ("a.wav: {}", "cannot be read: {}", "a.wav: cannot be deleted: {}", "a.wav: {}"),
        ),
        (OSError("no route"), ("a.wav: {}", "{}", "a.wav: cannot be deleted: {}", "a.wav: {}")),
    ],
)
def test_what_a_driver_raises_is_told_for_each_request(
    tmp_path: Path, error: Exception, says: tuple[str | None, ...]
) -> None:
    store = FilesystemStore("recordings", Failing(error), attempts=1)
    whole = Span(key="a.wav", etag=None, first=0, length=4, size_bytes=4)

    def told(ask: Callable[[], object]) -> str | None:
        try:
            ask()
        except (SourceUnreadable, StoreRefused, ConnectionBroke) as refused:
            return str(refused)
        return None

    asked = (
        lambda: store.look("a.wav"),
        lambda: list(store.blocks(whole)),
        lambda: store.delete("a.wav"),
        lambda: store.put("a.wav", tmp_path / "a", "", replace=True),
    )
    expected = [text and text.format(f"{type(error).__name__}: {error}") for text in says]
    assert [told(ask) for ask in asked] == expected


def test_an_object_comes_in_blocks_until_its_time_is_over(files: Kept, store: FilesystemStore) -> None:
    whole = Span(key="calls/2026/a.wav", etag=None, first=5, length=len(CONTENT) - 5, size_bytes=len(CONTENT))
    blocks = list(store.blocks(whole, time.monotonic() + 100))
    assert [len(block) for block in blocks] == [BLOCK, BLOCK, len(CONTENT) - 5 - 2 * BLOCK]
    assert b"".join(blocks) == CONTENT[5:]
    with pytest.raises(TimeoutError):
        next(store.blocks(whole, time.monotonic() - 1))
    for changed in (replace(whole, size_bytes=7), replace(whole, etag="another")):
        with pytest.raises(ObjectChanged, match="changed since"):
            list(store.blocks(changed))


def test_a_driver_that_brings_more_than_was_asked_for_is_not_believed(files: Kept, store: FilesystemStore) -> None:
    files.cat_file = lambda *_, **__: b"five!"  # type: ignore[method-assign]
    with pytest.raises(ObjectChanged, match="more arrives"):
        list(store.blocks(Span(key="calls/2026/a.wav", etag=None, first=0, length=4, size_bytes=len(CONTENT))))


@pytest.mark.parametrize(
    ("about", "made", "etag"),
    [
        ({"mtime": "2026-09-14T10:00:00+02:00", "created": "2020-01-01T00:00:00+00:00", "etag": "e"}, 8, "e"),
        ({"last_modified": datetime(2026, 9, 14, 9, tzinfo=UTC), "ETag": "E", "generation": 7}, 9, "E"),
        ({"mtime": None, "updated": "2026-09-14T07:00:00Z", "generation": 7}, 7, "7"),
        ({"LastModified": datetime(2026, 9, 14, 9, tzinfo=UTC)}, 9, None),
        ({"mtime": 1789.5}, None, None),
        ({}, None, None),
    ],
)
def test_drivers_say_in_their_own_words_when_an_object_was_made(
    about: dict[str, Any], made: int | None, etag: str | None
) -> None:
    class Telling:
        def info(self, path: str) -> dict[str, Any]:
            return {"name": f"/{path}", "size": "12", **about}

    store = FilesystemStore("recordings", Telling(), attempts=1)
    if made is None:
        with pytest.raises(StoreRefused, match=r"/recordings/a\.wav: the store does not say when it was made"):
            store.look("a.wav")
        return
    found = store.look("a.wav")
    assert found == StoredObject(
        key="a.wav", size_bytes=12, modified_at=datetime(2026, 9, 14, made, tzinfo=UTC), etag=etag
    )
    assert found.modified_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("scheme", "settings", "options"),
    [
        ("gs", {}, {}),
        ("gs", {"endpoint_url": "http://a", "anonymous": True}, {"endpoint_url": "http://a", "token": "anon"}),
        ("abfs", {}, {}),
        ("abfs", {"endpoint_url": "http://a", "anonymous": True}, {"anon": True}),
    ],
)
def test_a_driver_is_opened_without_caches_and_signs_unless_told(
    monkeypatch: pytest.MonkeyPatch, scheme: str, settings: dict[str, Any], options: dict[str, Any]
) -> None:
    drivers: dict[str, Any] = {"GCSFileSystem": dict, "AzureBlobFileSystem": dict}
    for module in ("gcsfs", "gcsfs.core", "adlfs"):
        monkeypatch.setitem(sys.modules, module, SimpleNamespace(**drivers))
    opened = open_filesystem(scheme, S3Settings.model_validate(settings))
    assert opened == {"use_listings_cache": False, "skip_instance_cache": True, **options}


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (InputUnavailable("no account"), "no account"),
        (OSError("no credentials"), "abfs://: OSError: no credentials"),
    ],
)
def test_a_driver_that_cannot_be_opened_says_why(monkeypatch: pytest.MonkeyPatch, error: Exception, says: str) -> None:
    monkeypatch.setitem(sys.modules, "adlfs", SimpleNamespace(AzureBlobFileSystem=Failing(error).open))
    with pytest.raises(InputUnavailable if says == "no account" else StoreRefused) as told:
        open_filesystem("abfs", S3Settings())
    assert str(told.value) == says
