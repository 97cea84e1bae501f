"""Recordings for listening, each decoded once: the process that decodes, and what it made, while the room is open."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from pathlib import Path
from typing import Self

from pipeline.children.worker import Worker
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.sources import InputSettings
from pipeline.disk import remove_folder
from pipeline.encryption.here import spool_is_sealed
from pipeline.listening.decoded import ListenTask, Peaks, SoundFile, build_listener
from pipeline.listening.recordings import StoredRecording, local_file, media_type
from pipeline.records import SpeechSpan

LIMIT_S = 600.0
"""Longest wait for one recording."""
MOST_PEAKS = 500
MOST_BYTES = 4 * 2**30
"""What decoded recordings may take on the disk; the oldest go first."""


class ListeningRoom:
    """Plays and draws recordings. Safe from several threads; decodes one recording at a time."""

    def __init__(self, source: InputSettings, audio: AudioSettings, spool: Path) -> None:
        spool.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix="listening-", dir=spool))
        self._worker = Worker(
            "listening", build_listener, (source, audio), limit_key="of the reading room", restarts=None
        )
        self._peaks: dict[str, Peaks] = {}
        self._lock = threading.Lock()

    def playable(self, recording: StoredRecording, quiet: tuple[SpeechSpan, ...] = ()) -> tuple[Path, str]:
        """A file that a browser plays, and its media type: the recording itself, or a decoded copy.

        It may be encrypted: to be read by `pipeline.encryption.here.open_file`.

        Args:
            quiet: stretches in which nothing may be heard, seconds; then it is a copy.

        Raises what decoding raises: SourceUnreadable, AudioUndecodable, StageTimeout, WorkerCrashed.
        """
        media = media_type(recording)
        if media is not None and not quiet:
            return local_file(recording), media
        path = self._folder / f"{_key(recording, quiet)}.wav"
        if not path.is_file():
            self._decode(recording, quiet, path)
        return path, "audio/wav"

    def peaks(self, recording: StoredRecording, quiet: tuple[SpeechSpan, ...] = ()) -> Peaks:
        """What to draw of its channels. Raises as `playable`."""
        known = self._peaks.get(_key(recording, quiet))
        return known if known is not None else self._decode(recording, quiet, None)

    def write(
        self, recording: StoredRecording, files: tuple[SoundFile, ...], quiet: tuple[SpeechSpan, ...] = ()
    ) -> Peaks:
        """Write the recording's channels to `files`. Raises as `playable`."""
        return self._listen(recording, files, quiet)

    def close(self) -> None:
        self._worker.close()
        remove_folder(self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _decode(self, recording: StoredRecording, quiet: tuple[SpeechSpan, ...], path: Path | None) -> Peaks:
        key = _key(recording, quiet)
        with self._lock:
            if key in self._peaks and (path is None or path.is_file()):
                return self._peaks[key]
            self._make_room()
            files = () if path is None else (SoundFile(path=path, sealed=spool_is_sealed()),)
            peaks = self._listen(recording, files, quiet)
            if len(self._peaks) >= MOST_PEAKS:
                self._peaks.pop(next(iter(self._peaks)))
            self._peaks[key] = peaks
            return peaks

    def _listen(self, recording: StoredRecording, files: tuple[SoundFile, ...], quiet: tuple[SpeechSpan, ...]) -> Peaks:
        task = ListenTask(recording=recording, spool=self._folder, files=files, quiet=quiet, fetch_limit_s=LIMIT_S / 2)
        peaks: Peaks = self._worker.call(task, LIMIT_S)
        return peaks

    def _make_room(self) -> None:
        kept = sorted(self._folder.glob("*.wav"), key=lambda path: path.stat().st_mtime)
        total = sum(path.stat().st_size for path in kept)
        while kept and total > MOST_BYTES:
            oldest = kept.pop(0)
            total -= oldest.stat().st_size
            oldest.unlink(missing_ok=True)


def _key(recording: StoredRecording, quiet: tuple[SpeechSpan, ...]) -> str:
    known = f"{recording.source_uri}|{recording.size_bytes}|{recording.modified_at}|{recording.etag}|{quiet}"
    return hashlib.sha256(known.encode("utf-8", "surrogateescape")).hexdigest()[:32]
