"""DESIGN's list of odd input, all in one folder with a healthy call: each gets its outcome, none stops the others."""

from __future__ import annotations

import os
import struct
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.materials.recordings import sample_speech as speech
from bench.materials.recordings import write_wav
from db.embedded.server import EmbeddedServer
from tests.commands.running import Workplace
from tests.databases import TEMPLATE, fresh_database


def _float_wav(path: Path, samples: np.ndarray[Any, Any], rate_hz: int = 16_000) -> None:
    """IEEE float WAV, which may hold NaN and infinity."""
    data = np.ascontiguousarray(samples, dtype="<f4").tobytes()
    channels = samples.shape[1]
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 3, channels, rate_hz,
        rate_hz * channels * 4, channels * 4, 32, b"data", len(data),
    )  # fmt: skip
    path.write_bytes(header + data)


def make_folder(folder: Path) -> None:
    talk = speech(12.0)
    write_wav(folder / "healthy.wav", talk)
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.wav").write_text("this is no recording at all\n" * 100, encoding="utf-8")
    (folder / "notes.txt").write_text("x" * 5000, encoding="utf-8")
    whole = write_wav(folder / "truncated.wav", talk).read_bytes()
    (folder / "truncated.wav").write_bytes(whole[: len(whole) // 2])
    forged = bytearray(whole)
    forged[4:8] = struct.pack("<I", 0x7FFFFFF0)
    forged[40:44] = struct.pack("<I", 0x7FFFFFC0)
    (folder / "claims_hours.wav").write_bytes(forged)
    zero_rate = bytearray(whole)
    zero_rate[24:28] = struct.pack("<I", 0)
    (folder / "rate_0.wav").write_bytes(zero_rate)
    odd = talk.astype(np.float32) / 32768
    odd[1000:1100, 0], odd[5000:5010, 1] = np.nan, np.inf
    _float_wav(folder / "nan.wav", odd)
    write_wav(folder / "one_sample.wav", np.zeros((1, 2)))
    write_wav(folder / "three_channels.wav", np.column_stack([talk, talk[:, 0] // 2]))
    write_wav(folder / "silence.wav", np.zeros((16_000 * 6, 2)))
    write_wav(folder / "dual_mono.wav", np.column_stack([talk[:, 0], talk[:, 0]]))
    write_wav(folder / "mono.wav", talk[:, 0])
    with zipfile.ZipFile(folder / "delivery.zip", "w") as archive:
        archive.writestr("inside/zipped.wav", whole)
        archive.writestr("../../escaped.wav", whole)
    damaged = bytearray(whole)
    damaged[:44] = bytes(44)
    (folder / "no_header.wav").write_bytes(damaged)
    old = time.time() - 3600
    for path in folder.iterdir():
        os.utime(path, (old, old))


@pytest.fixture(scope="module")
def place(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    for url in fresh_database(server, TEMPLATE):
        calls = tmp_path_factory.mktemp("calls")
        make_folder(calls)
        yield Workplace(calls, tmp_path_factory.mktemp("output"), url)


@pytest.fixture(scope="module")
def outcome(place: Workplace) -> dict[str, dict[str, Any]]:
    """Every row of `calls` after one run, by file name; the run itself must have gone through."""
    run = place.run()
    assert run.returncode == 0, run.stderr + run.stdout
    return {row["file_name"]: row for row in place.rows("SELECT * FROM calls")}


@pytest.mark.parametrize(
    ("name", "status", "flags"),
    [
        ("healthy.wav", "done", set()),
        ("empty.wav", "skipped", set()),
        ("text.wav", "skipped", set()),
        ("truncated.wav", "done", {"truncated"}),
        ("claims_hours.wav", "done", {"bad_header"}),
        ("rate_0.wav", "done", {"bad_header"}),
        ("nan.wav", "done", {"non_finite_samples"}),
        ("one_sample.wav", "skipped", set()),
        ("three_channels.wav", "done", set()),
        ("silence.wav", "done", {"silence"}),
        ("dual_mono.wav", "done", {"dual_mono"}),
        ("mono.wav", "done", {"mono"}),
        ("zipped.wav", "done", set()),
        ("escaped.wav", "skipped", set()),
        ("no_header.wav", "skipped", set()),
    ],
)
def test_each_odd_recording_gets_its_outcome(
    outcome: dict[str, dict[str, Any]], name: str, status: str, flags: set[str]
) -> None:
    row = outcome[name]
    assert row["status"] == status, row["error_message"]
    assert flags <= set(row["flags"] or ())
    if status == "skipped":
        assert row["error_type"]
        assert row["error_message"]


def test_nothing_is_lost_from_a_truncated_recording(outcome: dict[str, dict[str, Any]]) -> None:
    assert outcome["truncated.wav"]["duration_s"] == pytest.approx(6.0, abs=0.1)
    assert outcome["claims_hours.wav"]["duration_s"] == pytest.approx(12.0, abs=0.1)


def test_silence_has_no_chunks_and_no_transcription(place: Workplace, outcome: dict[str, dict[str, Any]]) -> None:
    call_id = outcome["silence.wav"]["call_id"]
    assert place.rows("SELECT * FROM chunks WHERE call_id = %s", call_id) == []
    assert not outcome["silence.wav"]["transcription"]
    assert outcome["silence.wav"]["client_text_sentiment"] is None
    assert outcome["silence.wav"]["missing_reasons"]


def test_a_doubled_channel_is_transcribed_once(place: Workplace, outcome: dict[str, dict[str, Any]]) -> None:
    rows = place.rows("SELECT DISTINCT channel FROM chunks WHERE call_id = %s", outcome["dual_mono.wav"]["call_id"])
    assert len(rows) == 1


def test_three_channels_are_each_transcribed_with_unknown_roles(
    place: Workplace, outcome: dict[str, dict[str, Any]]
) -> None:
    rows = place.rows(
        "SELECT DISTINCT channel, role FROM chunks WHERE call_id = %s", outcome["three_channels.wav"]["call_id"]
    )
    assert {row["role"] for row in rows} == {"unknown"}
    assert {row["channel"] for row in rows} >= {0, 1}


def test_a_member_that_tries_to_leave_its_folder_writes_nothing(place: Workplace, outcome: dict[str, Any]) -> None:
    assert outcome["escaped.wav"]["error_type"] == "unsafe_path"
    assert not list(place.calls.parent.parent.glob("escaped.wav"))


def test_the_run_accounts_for_every_file(place: Workplace, outcome: dict[str, dict[str, Any]]) -> None:
    statuses = place.statuses()
    assert statuses["adds_up"] is True
    counts = statuses["counts"]
    assert counts["found"] == len(outcome) + 1 == 16, "all are in `calls` but the text file"
    assert (counts["done"], counts["skipped"], counts["failed"]) == (10, 6, 0)
    reasons = {entry["file_name"]: entry.get("reason") for entry in statuses["files"]}
    assert reasons["notes.txt"] == "other_type"


def test_the_same_folder_again_changes_no_row(place: Workplace, outcome: dict[str, dict[str, Any]]) -> None:
    before = {row["call_id"]: row for row in place.rows("SELECT * FROM calls")}
    run = place.run()
    assert run.returncode == 0, run.stderr
    after = {row["call_id"]: row for row in place.rows("SELECT * FROM calls")}
    assert after == before
    assert "0 done" in run.stdout
