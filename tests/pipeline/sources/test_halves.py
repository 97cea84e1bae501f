"""One file of two: waited for, then taken alone."""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path

import pytest

from pipeline.config.areas.sources import InputSettings
from pipeline.records import FoundCall, SkippedFile
from tests.pipeline.sources.helpers import OLD_S, calls, discover, put, reasons, wav_bytes
from tests.pipeline.sources.test_pairs import pairs


@pytest.mark.parametrize("name", ["sign-in.wav", "20261126-091502_check-in.wav", "angry-caller.wav", "log-out.mp3"])
def test_a_name_that_ends_like_a_side_by_accident_is_an_ordinary_call(tmp_path: Path, name: str) -> None:
    put(tmp_path / name, young=True)
    put(tmp_path / "1793500200.42-in.wav")
    put(tmp_path / "1793500200.42-out.wav")
    one = calls(discover(tmp_path, look_again_s=0))[name]
    assert one.metadata.channel_roles is None
    assert one.metadata.remarks == ()
    assert one.sides == ()


@pytest.mark.parametrize(
    "name", ["1793500200.42-in.wav", "20261126-091502_call77-caller.wav", "0f0b6f4e-1c_rx.wav", "CALL77-OUT.WAV"]
)
def test_a_side_waits_for_the_other_and_is_taken_alone_after_that_with_the_reason(tmp_path: Path, name: str) -> None:
    path = put(tmp_path / name)
    young = time.time() - 23 * 3600
    os.utime(path, (young, young))
    (waiting,) = discover(tmp_path)
    assert isinstance(waiting, SkippedFile)
    assert (waiting.reason, waiting.waiting) == ("other_side_awaited", True)
    assert "24 hours old (input.pairs.wait_h)" in waiting.message
    (alone,) = discover(tmp_path, pairs={"wait_h": 22})
    assert isinstance(alone, FoundCall)
    assert alone.metadata.remarks == ("other_side_missing",)
    assert alone.metadata.channel_roles is not None
    os.utime(path, (OLD_S, OLD_S))
    assert discover(tmp_path, pairs={"kinds": []})[0].source_uri == alone.source_uri
    assert calls(discover(tmp_path))[name].metadata.remarks == ("other_side_missing",)
    assert calls(discover(path))[name].metadata.remarks == ("other_side_missing",), "named by hand, it does not wait"


def test_an_archive_is_complete_so_nothing_in_it_waits(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("x/1-in.wav", "x/1-out.wav", "x/2-in.wav", "y/3-out.wav", "x/3-in.wav"):
            archive.writestr(name, wav_bytes())
    os.utime(tmp_path / "a.zip", (OLD_S, OLD_S))
    for place in (tmp_path, tmp_path / "a.zip"):
        found = discover(place)
        assert pairs(found) == [("1-in.wav", "1-out.wav")]
        alone = {name for name, call in calls(found).items() if "other_side_missing" in call.metadata.remarks}
        assert alone == {"2-in.wav", "3-in.wav", "3-out.wav"}


@pytest.mark.parametrize(("content", "reason"), [(b"", "empty"), (b"RIFF", "too_small")])
def test_a_side_whose_partner_is_no_recording_is_taken_alone_with_that_reason(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    put(tmp_path / "77-in.wav", young=True)
    put(tmp_path / "77-out.wav", content, young=True)
    found = discover(tmp_path, look_again_s=0)
    assert reasons(found) == {"77-out.wav": reason}
    assert "77-out.wav: " in calls(found)["77-in.wav"].metadata.extra["other_side_missing"]


def test_a_side_waits_while_the_other_is_being_written(tmp_path: Path) -> None:
    put(tmp_path / "sign-in.wav")
    growing = put(tmp_path / "sign-out.wav", young=True)

    def grow(_: float) -> None:
        growing.write_bytes(growing.read_bytes() + bytes(100))

    from pipeline.sources.folder import FolderSource

    found = list(FolderSource(str(tmp_path), InputSettings(path=str(tmp_path)), sleep=grow).discover())
    assert reasons(found) == {"sign-in.wav": "other_side_awaited", "sign-out.wav": "still_growing"}
    assert all(isinstance(item, SkippedFile) and item.waiting for item in found)
