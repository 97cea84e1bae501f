"""Stage timings and resources of a run, as they happen. The report is drawn from them in `commands.report`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from pipeline.threads import begun

MOST_SAMPLES = 14_400
"""Four hours at one a second. After that, every second sample is dropped and the interval doubles, again and again."""
_GPU_EVERY_S = 5.0
_GPU_TIMEOUT_S = 3.0


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
class GpuReading:
    """All NVIDIA GPUs of the machine together, whoever uses them."""

    memory_bytes: int
    busy_percent: float
    """Mean over the GPUs, 0..100."""


@dataclass(frozen=True, slots=True)
class MachineShares:
    """Where the machine's processor time went since the previous sample; shares of all its cores, 0..1."""

    others: float
    """Processes that are not this run's."""
    stolen: float
    """Taken by the hypervisor for other machines."""
    waiting: float
    """Idle while waiting for a disk; known on Linux only."""
    idle: float


@dataclass(frozen=True, slots=True)
class ResourceSample:
    """The machine at one moment, all processes of the run together."""

    at_s: float
    memory_bytes: int
    cpu_percent: float
    """100 is one core."""
    queues: Mapping[str, int]
    """Calls waiting before each stage."""
    gpu: GpuReading | None = None
    """None without an NVIDIA GPU."""
    mlx_bytes: int | None = None
    """Arrays MLX holds in the recogniser's process; None while no engine of that kind runs."""
    machine: MachineShares | None = None
    """None for the first sample."""


class PerformanceRecorder:
    """Collects spans from all threads, and samples resources and queues in a thread of its own.

    Args:
        interval_s: between two samples.
        read_gpu: returns the GPUs' state, None where there is none.
        read_own: returns the run's resident bytes, and its processor per cent since the last call.
        read_machine: returns the machine's processor seconds since its start, by what they were spent on.
        clock: seconds, from any moment on.
    """

    def __init__(
        self,
        interval_s: float = 1.0,
        read_gpu: Callable[[], GpuReading | None] | None = None,
        read_own: Callable[[], tuple[int, float]] | None = None,
        read_machine: Callable[[], Mapping[str, float]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self.began = clock()
        self.spans: list[StageSpan] = []
        self.samples: list[ResourceSample] = []
        self.queues: Callable[[], Mapping[str, int]] = dict
        """Returns the current queue depths; set by the run."""
        self.mlx_bytes: Callable[[], int | None] = lambda: None
        """Returns the bytes that MLX holds; set by the run."""
        self._interval_s = interval_s
        self._read_gpu = read_gpu or nvidia_gpus()
        self._read_own = read_own or _own_processes()
        self._read_machine = read_machine or _machine_times
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def now_s(self) -> float:
        return self._clock() - self.began

    def add(self, stage: str, file_name: str, start_s: float, end_s: float, audio_s: float = 0.0) -> None:
        with self._lock:
            self.spans.append(StageSpan(stage, file_name, start_s, end_s, audio_s))

    def take(self, file_name: str) -> list[StageSpan]:
        """The spans of calls with this name, which are forgotten here: a worker that stays would keep them for ever."""
        with self._lock:
            taken = [span for span in self.spans if span.file_name == file_name]
            self.spans = [span for span in self.spans if span.file_name != file_name]
        return taken

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
        self._thread = begun("resources", self._sample_loop)

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5.0)

    def keep(self, sample: ResourceSample) -> None:
        """Add a sample. When there are too many, drop every second one and sample half as often from now on."""
        self.samples.append(sample)
        if len(self.samples) > MOST_SAMPLES:
            self.samples = self.samples[::2]
            self._interval_s *= 2

    def _sample_loop(self) -> None:
        gpu, looked_s = self._read_gpu(), self.now_s()
        times: Mapping[str, float] | None = None
        before_s = looked_s
        while not self._stop.wait(self._interval_s):
            memory, cpu = self._read_own()
            now_s = self.now_s()
            earlier, times = times, self._read_machine()
            machine = machine_shares(earlier, times, cpu / 100 * (now_s - before_s)) if earlier else None
            before_s = now_s
            if gpu is not None and now_s - looked_s >= _GPU_EVERY_S:
                gpu, looked_s = self._read_gpu(), now_s
            self.keep(
                ResourceSample(
                    at_s=now_s,
                    memory_bytes=memory,
                    cpu_percent=cpu,
                    machine=machine,
                    queues=dict(self.queues()),
                    gpu=gpu,
                    mlx_bytes=self.mlx_bytes(),
                )
            )


def _own_processes() -> Callable[[], tuple[int, float]]:
    """A reader of resident bytes and CPU per cent of this process and all its children."""
    import psutil

    processes: dict[int, psutil.Process] = {}

    def read() -> tuple[int, float]:
        me = psutil.Process()
        memory, cpu = 0, 0.0
        for process in [me, *me.children(recursive=True)]:
            kept = processes.setdefault(process.pid, process)
            try:
                memory += kept.memory_info().rss
                cpu += kept.cpu_percent(None)
            except psutil.Error:
                processes.pop(process.pid, None)
        return memory, cpu

    return read


def _machine_times() -> Mapping[str, float]:
    import psutil

    return dict(psutil.cpu_times()._asdict())


def machine_shares(before: Mapping[str, float], now: Mapping[str, float], own_s: float) -> MachineShares | None:
    """Shares between two readings of the machine's processor seconds; None when no time went by.

    Args:
        before: seconds of all cores since the start, by what they were spent on (`psutil.cpu_times`).
        now: the same, later.
        own_s: processor seconds this run took between them.
    """
    # `user` and `nice` hold the guests' seconds already.
    spent = {name: max(0.0, now[name] - before.get(name, 0.0)) for name in now if not name.startswith("guest")}
    total_s = sum(spent.values())
    if total_s <= 0:
        return None
    idle_s, waiting_s, stolen_s = (spent.get(name, 0.0) for name in ("idle", "iowait", "steal"))
    others_s = max(0.0, total_s - idle_s - waiting_s - stolen_s - own_s)
    return MachineShares(others_s / total_s, stolen_s / total_s, waiting_s / total_s, idle_s / total_s)


def mlx_bytes_here() -> int | None:
    """Bytes that MLX holds in this process; None where it is not loaded or holds nothing."""
    mlx = sys.modules.get("mlx.core")
    return (int(mlx.get_active_memory()) or None) if mlx is not None else None


def nvidia_gpus() -> Callable[[], GpuReading | None]:
    """A reader that asks NVIDIA's own tool. It always returns None where that is not installed."""
    program = shutil.which("nvidia-smi")

    def read() -> GpuReading | None:
        if program is None:
            return None
        query = [program, "--query-gpu=memory.used,utilization.gpu", "--format=csv,noheader,nounits"]
        try:
            said = subprocess.run(query, capture_output=True, text=True, timeout=_GPU_TIMEOUT_S, check=True)  # noqa: S603
        except (OSError, subprocess.SubprocessError):
            return None
        return parse_nvidia(said.stdout)

    return read


def parse_nvidia(text: str) -> GpuReading | None:
    """Lines of `MiB used, per cent busy`, one per GPU; None when there is no such line (`[N/A]` on some machines)."""
    used, busy = 0, []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) == 2 and all(cell.isdigit() for cell in cells):
            used += int(cells[0]) * 2**20
            busy.append(float(cells[1]))
    return GpuReading(used, sum(busy) / len(busy)) if busy else None
