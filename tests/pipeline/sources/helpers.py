"""Small recordings and shorthand for the tests of sources."""

from __future__ import annotations

import io
import os
import wave
from collections.abc import Iterable
from pathlib import Path

from pipeline.config.areas.sources import InputSettings
from pipeline.records import FoundCall, SkippedFile
from pipeline.sources.source import build_source

OLD_S = 1_700_000_000
MEDIA = Path(__file__).resolve().parent / "media"


def wav_bytes(seconds: float = 1.0, channels: int = 2, rate: int = 8000) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\x10\x00" * channels * int(seconds * rate))
    return buffer.getvalue()


def put(path: Path, content: bytes | None = None, *, young: bool = False) -> Path:
    """A file that was finished long ago, unless `young`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wav_bytes() if content is None else content)
    if not young:
        os.utime(path, (OLD_S, OLD_S))
    return path


def discover(path: Path | str, **settings: object) -> list[FoundCall | SkippedFile]:
    return list(build_source(InputSettings.model_validate({"path": str(path), **settings})).discover())


def calls(items: Iterable[FoundCall | SkippedFile]) -> dict[str, FoundCall]:
    return {item.file_name: item for item in items if isinstance(item, FoundCall)}


def reasons(items: Iterable[FoundCall | SkippedFile]) -> dict[str, str]:
    return {item.file_name: item.reason for item in items if isinstance(item, SkippedFile)}
