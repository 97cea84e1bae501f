"""Stage timings and resources of a run, as they happen. The report is drawn from them in `commands`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StageSpan:
    """One call at one stage. Times are seconds since the run began."""

    stage: str
    """`prepare`, `recognise`, `analyse`, `store`, or a part as `prepare.vad`, `analyse.acoustic`."""
    file_name: str
    start_s: float
    end_s: float
    audio_s: float
    """Length of the recording, 0 when unknown."""


@dataclass(frozen=True, slots=True)
class ResourceSample:
    """The machine at one moment, all processes of the run together."""

    at_s: float
    memory_bytes: int
    cpu_percent: float
    """100 is one core."""
    queues: Mapping[str, int]
    """Calls waiting before each stage."""


class PerformanceRecorder:
    """Collects spans from all threads, and samples resources and queues in one of its own.

    Args:
        interval_s: between two samples.
        queues: answers the queue depths of the moment.
    """

    def __init__(self, interval_s: float = 1.0) -> None:
        self.began = time.monotonic()
        self.spans: list[StageSpan] = []
        self.samples: list[ResourceSample] = []
        self._interval_s = interval_s
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.queues: Callable[[], Mapping[str, int]] = dict

    def now_s(self) -> float:
        return time.monotonic() - self.began

    def add(self, stage: str, file_name: str, start_s: float, end_s: float, audio_s: float = 0.0) -> None:
        with self._lock:
            self.spans.append(StageSpan(stage, file_name, start_s, end_s, audio_s))

    @contextmanager
    def stage(self, stage: str, file_name: str, audio_s: float = 0.0) -> Iterator[None]:
        """Times the block; recorded also when it raises."""
        start_s = self.now_s()
        try:
            yield
        finally:
            self.add(stage, file_name, start_s, self.now_s(), audio_s)

    def memory_bytes(self) -> int:
        """Newest sample of the run's memory; 0 before the first."""
        return self.samples[-1].memory_bytes if self.samples else 0

    def start(self) -> None:
        self._thread = threading.Thread(target=self._sample_loop, daemon=True, name="resources")
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5.0)

    def _sample_loop(self) -> None:
        import psutil

        processes: dict[int, psutil.Process] = {}
        while not self._stop.wait(self._interval_s):
            memory, cpu = _measure(processes)
            self.samples.append(ResourceSample(self.now_s(), memory, cpu, dict(self.queues())))


def _measure(processes: dict[int, object]) -> tuple[int, float]:
    """Resident bytes and CPU per cent of this process and all its children; keeps `processes` between calls."""
    import psutil

    me = psutil.Process()
    memory, cpu = 0, 0.0
    for process in [me, *me.children(recursive=True)]:
        kept = processes.setdefault(process.pid, process)
        assert isinstance(kept, psutil.Process)
        try:
            memory += kept.memory_info().rss
            cpu += kept.cpu_percent(None)
        except psutil.Error:
            processes.pop(process.pid, None)
    return memory, cpu
