"""Whether what was handed in is a recording: headers are read in a process that may die of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline.children.worker import Worker
from pipeline.config.areas.sources import RawFormat
from pipeline.errors import AudioUndecodable, EarshotError
from pipeline.records import AudioHeader
from pipeline.sources.probe import NotAudio, probe_header

_LIMIT_S = 20.0


def build_prober(raw_formats: Mapping[str, RawFormat]) -> Callable[[Path], AudioHeader | str]:
    """Runs in the spawned process: the header, or why there is none."""

    def probe(path: Path) -> AudioHeader | str:
        try:
            return probe_header(path, raw_formats)
        except NotAudio as error:
            return _without_name(error, path)

    return probe


def _without_name(error: EarshotError, path: Path) -> str:
    """The part's name is ours and tells the submitter nothing."""
    return str(error).removeprefix(f"{path.name}: ")


class Refusal(Exception):
    """What was handed in is no recording, or none that can be opened; the message says why."""


class Gatekeeper:
    """Safe from several threads: one recording at a time."""

    def __init__(self, raw_formats: Mapping[str, RawFormat]) -> None:
        self._worker = Worker(
            "header", build_prober, (dict(raw_formats),), one_core=True, limit_key="a fixed limit for headers"
        )

    def check(self, path: Path) -> AudioHeader:
        """Raises Refusal; SourceUnreadable and other EarshotErrors where it could not be looked at."""
        try:
            answer = self._worker.call(path, _LIMIT_S)
        except AudioUndecodable as error:
            raise Refusal(_without_name(error, path)) from None
        if isinstance(answer, str):
            raise Refusal(answer)
        assert isinstance(answer, AudioHeader)
        return answer

    def close(self) -> None:
        self._worker.close()
