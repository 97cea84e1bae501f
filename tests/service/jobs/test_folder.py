"""The folder of recordings that were handed in: names, parts, what is kept and what is swept."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from pipeline.jobs import Job, JobState
from service.jobs.folder import RecordingFolder, safe_name

JOB = Job(
    job_id="j-1", state=JobState.RECEIVING, submitted_by="n", idempotency_key=None, request_hash="h",
    file_name="call.wav", created_at=datetime(2026, 11, 20, 23, 59, tzinfo=UTC),
)  # fmt: skip


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("call.wav", "call.wav"),
        ("/etc/../secret/call.wav", "call.wav"),
        ("C:\\calls\\call.wav", "call.wav"),
        ("...hidden.wav", "hidden.wav"),
        (" spaces .wav ", "spaces .wav"),
        ("", "recording"),
        ("...", "recording"),
        ("calls/", "recording"),
        ("é" * 57 + "ab.wav", "é" * 57 + "ab.wav"),
        ("é" * 58 + "ab.wav", "é" * 58 + ".wav"),
        ("é" * 90 + ".wav", "é" * 58 + ".wav"),
        ("a." + "w" * 120, "recording"),
        ("a" * 121, "recording"),
    ],
)
def test_a_name_from_outside_becomes_a_plain_one(given: str, name: str) -> None:
    assert safe_name(given) == name
    assert len(safe_name(given).encode()) <= 120


@pytest.mark.parametrize("name", ["call.json", "call.JSON", "a.b.xml", "x.csv", "y.tsv"])
def test_the_name_of_a_sidecar_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="this is the name of a sidecar"):
        safe_name(name)


def test_a_part_is_kept_with_its_metadata_below_its_day(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path)
    part = folder.part("j-1", "call.wav")
    assert part.name == "j-1.wav"
    part.write_bytes(b"sound")
    kept = folder.keep(JOB, part, {"agent_id": "A7"})
    place = tmp_path / "2026-11-20" / "j-1"
    assert (kept.source_uri, kept.file_name) == (f"file://{place}/call.wav", "call.wav")
    assert (kept.size_bytes, kept.sha256) == (5, sha256(b"sound").hexdigest())
    assert (place / "call.wav").read_bytes() == b"sound"
    (sidecar,) = (path for path in place.iterdir() if path.name != "call.wav")
    assert json.loads(sidecar.read_text()) == {"file_name": "call.wav", "agent_id": "A7"}
    assert not part.exists()
    folder.drop(JOB)
    assert not place.exists()


def test_without_metadata_there_is_no_sidecar_and_a_dropped_part_is_gone(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path)
    part = folder.part("j-1", "call.wav")
    part.write_bytes(b"sound")
    folder.drop(JOB)
    assert not part.exists()
    part.write_bytes(b"sound")
    folder.keep(JOB, part, {})
    assert [path.name for path in (tmp_path / "2026-11-20" / "j-1").iterdir()] == ["call.wav"]


@pytest.mark.parametrize(("age_s", "young", "swept"), [(9.0, True, 0), (10.0, False, 2), (11.0, False, 2)])
def test_parts_nobody_adds_to_are_swept(tmp_path: Path, age_s: float, young: bool, swept: int) -> None:
    folder = RecordingFolder(tmp_path)
    part, other = folder.part("j-1", "call.wav"), folder.part("j-2", "call")
    assert not folder.is_young(JOB, 10.0, 1000.0)
    for path in (part, folder.part("j-0", "of a killed server"), other):
        path.write_bytes(b"sound")
        os.utime(path, (1000.0, 1000.0))
    assert folder.is_young(JOB, 10.0, 1000.0 + age_s) is young
    assert folder.sweep(10.0, 1000.0 + age_s, {"j-2"}) == swept
    assert part.exists() is (not swept)
    assert other.exists()
