"""The files of a task that runs where its worker's folders are not: brought here in pieces, and what is made sent back.

A task that finds the files (the worker's own machine, a folder that both share) reads and writes them in place.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from pipeline.disk import remove_folder, spooling, write_spooled
from pipeline.records import PreparedCall
from pipeline.run.processes.analyser import AnalyseTask, CallToAnalyse
from pipeline.run.processes.preparer import PrepareTask

PIECE_BYTES = 8 * 2**20
"""What is on its way at once for each task: the only audio that the object store holds."""


class Depot(Protocol):
    """Files of the worker that asks, by their paths there. Raises EarshotError."""

    def read(self, path: Path, offset: int, most: int) -> bytes:
        """Up to `most` bytes; none at the end."""
        ...

    def write(self, path: Path, offset: int, content: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class AtHand:
    """A task whose files are here."""

    task: Any
    send: Callable[[Any], Any]
    """Takes the answer, sends its files to the worker, and gives the answer as the worker is to read it."""


@contextmanager
def at_hand(task: Any, spool: Path, depot: Depot, piece_bytes: int = PIECE_BYTES) -> Iterator[AtHand]:
    """The task with files that are here, as long as the context is open.

    Args:
        spool: this process's own folder; made when something is brought, and what was brought is removed.
    """
    road = _Road(spool / uuid.uuid4().hex, depot, piece_bytes)
    try:
        if isinstance(task, PrepareTask):
            yield road.preparing(task)
        elif isinstance(task, AnalyseTask):
            yield AtHand(AnalyseTask(tuple(road.with_audio(item) for item in task.calls)), _as_it_is)
        else:
            yield AtHand(task, _as_it_is)
    finally:
        remove_folder(road.folder)


@dataclass(frozen=True, slots=True)
class _Road:
    """Between a worker and a task, for one task."""

    folder: Path
    """Of this task alone."""
    depot: Depot
    piece_bytes: int

    def preparing(self, task: PrepareTask) -> AtHand:
        paths = tuple(self._brought(path) for path in task.local_paths)
        if task.spool.is_dir():  # it has a name of its own: that it is there means that both see it
            return AtHand(replace(task, local_paths=paths), _as_it_is)
        made = self.folder / "made"
        with spooling(self.folder):
            made.mkdir(parents=True)

        def send(answer: Any) -> Any:
            return self._sent(answer, task.spool) if isinstance(answer, PreparedCall) else answer

        return AtHand(replace(task, local_paths=paths, spool=made), send)

    def with_audio(self, item: CallToAnalyse) -> CallToAnalyse:
        here = {path: self._brought(path) for path in {audio.samples_path for audio in item.call.audio}}
        audio = tuple(replace(audio, samples_path=here[audio.samples_path]) for audio in item.call.audio)
        return replace(item, call=replace(item.call, audio=audio))

    def _sent(self, call: PreparedCall, there: Path) -> PreparedCall:
        """Under names of this attempt: another one, of a machine that was believed lost, writes other files."""
        paths = {channel.samples_path for channel in call.channels}
        places = {path: there / f"{self.folder.name}_{path.name}" for path in paths}
        for path, target in places.items():
            with path.open("rb") as file:
                self.depot.write(target, 0, file.read(self.piece_bytes))
                while content := file.read(self.piece_bytes):
                    self.depot.write(target, file.tell() - len(content), content)
        channels = tuple(replace(channel, samples_path=places[channel.samples_path]) for channel in call.channels)
        return replace(call, channels=channels)

    def _brought(self, path: Path) -> Path:
        if path.is_file():
            return path
        target = self.folder / uuid.uuid4().hex / path.name
        with spooling(self.folder):
            target.parent.mkdir(parents=True)
        offset = 0
        with target.open("wb", buffering=0) as file:
            while content := self.depot.read(path, offset, self.piece_bytes):
                write_spooled(file, content, self.folder)
                offset += len(content)
        return target


def _as_it_is(answer: Any) -> Any:
    return answer
