"""Where recordings that are handed in lie: parts while they arrive, then a folder for each."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pipeline.disk import remove_folder
from pipeline.encryption.here import seal
from pipeline.hashes import sha256_of
from pipeline.jobs import Job
from pipeline.sources.addresses import file_uri, shown
from pipeline.sources.metadata.submitted import sidecar_of

_PARTS = ".uploads"
"""Hidden: a run over the folder leaves it out."""
_LONGEST_NAME = 120
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\]")
_SIDECARS = (".json", ".xml", ".csv", ".tsv")
UNNAMED = "recording"


class Keeper(Protocol):
    """Brings a recording that was checked to its place."""

    def keep(self, part: Path, destination: Path) -> None:
        """`place` holds the recording and `part` is gone; both are on one file system. Raises OSError."""
        ...


class Plainly:
    """As it is."""

    def keep(self, part: Path, destination: Path) -> None:
        flush(part)
        os.replace(part, destination)


class Sealed:
    """Encrypted, with the key of `encryption.key`. While it arrives it is not: sniffing reads it."""

    def keep(self, part: Path, destination: Path) -> None:
        seal(part, destination)
        part.unlink()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRecording:
    """A recording in its place, and on the disk."""

    source_uri: str
    file_name: str
    size_bytes: int
    sha256: str


class RecordingFolder:
    """`service.recordings_dir`. Its methods wait for the disk and raise OSError."""

    def __init__(self, root: Path, keeper: Keeper | None = None) -> None:
        self._root = root.absolute()
        self._keeper = keeper or Plainly()
        (self._root / _PARTS).mkdir(parents=True, exist_ok=True)

    def part(self, job_id: str, file_name: str) -> Path:
        """Where a recording arrives. Its suffix stays: it tells the format of sound without a header."""
        return self._root / _PARTS / f"{job_id}{Path(file_name).suffix}"

    def keep(self, job: Job, part: Path, metadata: Mapping[str, str]) -> KeptRecording:
        """The recording and its metadata are on the disk when this returns, where a power cut leaves them."""
        sha256, size_bytes = sha256_of(part), part.stat().st_size
        folder = self._folder(job.job_id, job.created_at)
        folder.mkdir(parents=True, exist_ok=True)
        if metadata:  # before the recording: whoever finds that finds both
            name, content = sidecar_of(job.file_name, metadata)
            _write(folder / name, content)
        destination = folder / job.file_name
        self._keeper.keep(part, destination)
        for changed in (folder, folder.parent, self._root):
            flush(changed)
        return KeptRecording(
            source_uri=file_uri(str(destination)), file_name=job.file_name, size_bytes=size_bytes, sha256=sha256
        )

    def drop(self, job: Job) -> None:
        """A recording that is not wanted any more, whole or in part."""
        self.part(job.job_id, job.file_name).unlink(missing_ok=True)
        remove_folder(self._folder(job.job_id, job.created_at))

    def is_young(self, job: Job, than_s: float, now_s: float) -> bool:
        """Whether something was added to a job's part within that time."""
        try:
            return now_s - self.part(job.job_id, job.file_name).stat().st_mtime < than_s
        except FileNotFoundError:
            return False

    def sweep(self, older_than_s: float, now_s: float, except_jobs: Collection[str]) -> int:
        """Delete parts that nothing was added to for so long; returns how many. Those of `except_jobs` stay."""
        old = [
            part
            for part in (self._root / _PARTS).iterdir()
            if part.stem not in except_jobs and now_s - part.stat().st_mtime >= older_than_s
        ]
        for part in old:
            part.unlink(missing_ok=True)
        return len(old)

    def _folder(self, job_id: str, created_at: datetime) -> Path:
        return self._root / f"{created_at:%Y-%m-%d}" / job_id


def safe_name(name: str) -> str:
    """The last part of a name from outside, fit for a file system. Raises ValueError for the name of a sidecar."""
    last = re.split(r"[/\\]", shown(name))[-1]
    plain = _UNSAFE.sub("_", last).strip().lstrip(".") or UNNAMED
    stem, dot, suffix = plain.rpartition(".")
    if f".{suffix}".lower() in _SIDECARS:
        raise ValueError(f"{plain}: this is the name of a sidecar, not of a recording")
    while len(plain.encode()) > _LONGEST_NAME and len(stem) > 1:
        stem = stem[:-1]
        plain = f"{stem}{dot}{suffix}"
    return plain if len(plain.encode()) <= _LONGEST_NAME else UNNAMED


def flush(path: Path) -> None:
    """What was written to a file, or into a folder, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    flush(path)
