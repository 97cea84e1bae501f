"""Two files of a call: the same from a delivery, an archive or a bucket."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from pipeline.config.areas.sources import InputSettings
from pipeline.records import FoundCall
from pipeline.sources.source import build_source, fetch_files
from tests.pipeline.sources.bucket_server import serving
from tests.pipeline.sources.helpers import OLD_S, calls, discover, put, wav_bytes
from tests.pipeline.sources.test_pairs import pairs


def test_one_file_named_by_hand_brings_its_other_side(tmp_path: Path) -> None:
    for name in ("7-in.wav", "7-out.wav", "8-in.wav", "8-out.wav"):
        put(tmp_path / name)
    for name in ("7-in.wav", "7-out.wav"):
        assert pairs(found := discover(tmp_path / name)) == [("7-in.wav", "7-out.wav")]
        assert len(found) == 1


def test_what_lies_beside_a_named_side_and_is_no_recording_is_not_its_other_side(tmp_path: Path) -> None:
    put(tmp_path / "7-in.wav")
    for name in ("7-out.txt", "7-out.json", "7-out.part"):
        put(tmp_path / name, b"{}" * 2000)
    (alone,) = discover(tmp_path / "7-in.wav")
    assert isinstance(alone, FoundCall)
    assert alone.sides == ()


def test_several_inputs_are_offered_once_with_each_call_whole(tmp_path: Path) -> None:
    for name in ("x/7-in.wav", "x/7-out.wav", "x/8.wav", "y/9.wav", "y/.odd-name", "z/10.wav"):
        put(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("11.wav", wav_bytes(0.7))
    named = ["x/7-out.wav", "x/8.wav", "y/.odd-name", "z", "a.zip", "x/8.wav", "z"]
    settings = {"path": str(tmp_path / "x/7-in.wav"), "more": [str(tmp_path / name) for name in named]}
    source = build_source(InputSettings.model_validate(settings))
    found = calls(source.discover())
    assert list(found) == ["10.wav", "11.wav", "8.wav", "7-in.wav", ".odd-name"]
    assert len(found["7-in.wav"].sides) == 2
    for name, count in (("11.wav", 1), ("7-in.wav", 2), ("10.wav", 1)):
        with fetch_files(source, found[name], tmp_path / "spool", 10.0) as paths:
            assert len([path.read_bytes() for path in paths]) == count


def test_a_bucket_is_an_input_of_its_own() -> None:
    with pytest.raises(ValueError, match="a bucket is an input of its own"):
        InputSettings(path="calls", more=("s3://bucket/a",))


@pytest.mark.parametrize("kind", ["folder", "zip", "s3"])
def test_both_files_are_brought_here_from_any_source(tmp_path: Path, kind: str) -> None:
    contents = {"a/7-in.wav": wav_bytes(1.0), "a/7-out.wav": wav_bytes(2.0)}
    with serving(contents) as bucket:
        place = tmp_path / "calls"
        place.mkdir()
        settings: dict[str, object] = {"path": str(place)}
        if kind == "folder":
            for name, content in contents.items():
                put(place / name, content)
        elif kind == "zip":
            with zipfile.ZipFile(place / "a.zip", "w") as archive:
                for name, content in contents.items():
                    archive.writestr(name, content)
            os.utime(place / "a.zip", (OLD_S, OLD_S))
        else:
            s3 = {"endpoint_url": bucket.url, "anonymous": True, "addressing": "path", "region": "eu-central-1"}
            settings = {"path": "s3://bucket/a", "s3": s3}
        source = build_source(InputSettings.model_validate(settings))
        (call,) = source.discover()
        assert isinstance(call, FoundCall)
        assert len(call.sides) == 2
        with fetch_files(source, call, tmp_path / "spool", 10.0) as paths:
            assert [path.read_bytes() for path in paths] == list(contents.values())
        if kind != "folder":
            assert list((tmp_path / "spool").iterdir()) == []
