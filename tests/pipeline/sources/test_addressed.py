"""Recordings by their address, wherever the configuration's own input is."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from pipeline.config.areas.sources import InputSettings
from pipeline.records import FoundCall
from pipeline.sources.addressed import AddressedSource
from pipeline.sources.addresses import file_uri, zip_uri
from pipeline.sources.source import places


def found(uri: str, size: int) -> FoundCall:
    return FoundCall(source_uri=uri, file_name="a.wav", size_bytes=size, modified_at=None)


def test_files_and_members_of_archives_are_brought_by_address_and_nothing_is_offered(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"sound")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("in/a.wav", b"packed")
    source = AddressedSource(InputSettings(path="/nowhere"))
    assert list(source.discover()) == []
    for uri, content in (
        (file_uri(str(tmp_path / "a.wav")), b"sound"),
        (zip_uri(str(tmp_path / "b.zip"), "in/a.wav"), b"packed"),
    ):
        with source.fetch(found(uri, len(content)), tmp_path / "spool") as path:
            assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("path", "more", "expected"),
    [
        ("/calls/", (), ("file:///calls",)),
        ("/calls/../calls", ("/calls", "/b.zip"), ("file:///calls", "file:///b.zip")),
        ("s3://bucket/2026/", (), ("s3://bucket/2026",)),
    ],
)
def test_an_input_has_one_address_however_it_is_written(
    path: str, more: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert places(InputSettings(path=path, more=more)) == expected
