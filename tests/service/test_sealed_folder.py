"""Recordings that are handed in are encrypted when they are kept, and planned as what lies there."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from commands.serving.tasks import offered
from pipeline.config.areas.encryption import EncryptionSettings
from pipeline.config.areas.sources import InputSettings
from pipeline.encryption.here import open_file
from pipeline.encryption.sealed import is_sealed
from pipeline.jobs import Job, JobState
from pipeline.records import FoundCall
from pipeline.sources.addresses import file_path
from service.jobs.folder import RecordingFolder, Sealed
from tests.encrypting import key_file, keys_here
from tests.recorded import write_two_sides

__all__ = ["key_file", "keys_here"]


def test_a_recording_is_kept_encrypted_and_the_upload_is_gone(tmp_path: Path, keys_here: EncryptionSettings) -> None:
    del keys_here
    folder = RecordingFolder(tmp_path / "recordings", Sealed())
    job = Job(
        job_id="7", state=JobState.RECEIVING, submitted_by="me", idempotency_key=None, request_hash="",
        file_name="a.wav", created_at=datetime(2026, 11, 26, tzinfo=UTC),
    )  # fmt: skip
    part = write_two_sides(folder.part(job.job_id, job.file_name))
    plain = part.read_bytes()
    kept = folder.keep(job, part, {})
    place = file_path(kept.source_uri)
    assert not part.exists()
    assert is_sealed(place)
    assert kept.sha256 == hashlib.sha256(plain).hexdigest()
    assert kept.size_bytes == len(plain)
    with open_file(place) as file:
        assert file.read() == plain
    stored = Job(**{**{name: getattr(job, name) for name in Job.__slots__}, "source_uri": kept.source_uri})
    (found,) = offered(stored, InputSettings())
    assert isinstance(found, FoundCall)
    assert found.size_bytes == place.stat().st_size
