"""What the recorder's spans say: per stage, per call, over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.run.performance import MachineShares, ResourceSample, StageSpan

STAGES = ("prepare", "recognise", "analyse", "store")
SHARED = frozenset({"recognise", "analyse"})
"""Stages in which one process works on several calls at once: a call's part of a second is 1 / calls under way."""
BINS = 150

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CallTimes:
    """One call's way through the stages."""

    file_name: str
    audio_s: float
    spans: dict[str, StageSpan]
    share_s: dict[str, float]
    """Seconds that are its own: its part where the stage worked on several calls at once."""

    @property
    def work_s(self) -> float:
        return sum(self.share_s.values())

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of work per second of recording; None where the length is unknown."""
        return self.work_s / self.audio_s if self.audio_s > 0 else None

    @property
    def waits_s(self) -> dict[str, float]:
        """Before each stage: from the end of the stage before."""
        there = [self.spans[stage] for stage in STAGES if stage in self.spans]
        pairs = pairwise(there)
        return {after.stage: max(0.0, after.start_s - before.end_s) for before, after in pairs}


def by_call(spans: Sequence[StageSpan]) -> list[CallTimes]:
    """The spans grouped by call. Calls with the same file name in several folders are distinguished by their order."""
    shares = {id(span): seconds for stage in STAGES for span, seconds in _shares(spans, stage)}
    named: dict[str, dict[str, list[StageSpan]]] = defaultdict(lambda: defaultdict(list))
    for span in spans:
        if span.stage in STAGES:
            named[span.file_name][span.stage].append(span)
    calls = []
    for name, stages in named.items():
        for number in range(max(len(of_stage) for of_stage in stages.values())):
            own = {stage: of_stage[number] for stage, of_stage in stages.items() if number < len(of_stage)}
            calls.append(
                CallTimes(
                    file_name=name,
                    audio_s=max(span.audio_s for span in own.values()),
                    spans=own,
                    share_s={stage: shares[id(span)] for stage, span in own.items()},
                )
            )
    return calls


def _shares(spans: Sequence[StageSpan], stage: str) -> list[tuple[StageSpan, float]]:
    """Each span with its part of the stage's time."""
    chosen = [span for span in spans if span.stage == stage]
    if stage not in SHARED or not chosen:
        return [(span, span.end_s - span.start_s) for span in chosen]
    times, active = _active(chosen)
    steps = np.diff(times)
    integral = np.concatenate([[0.0], np.cumsum(steps / np.maximum(active[:-1], 1))])
    starts = np.interp([span.start_s for span in chosen], times, integral)
    ends = np.interp([span.end_s for span in chosen], times, integral)
    return list(zip(chosen, (ends - starts).tolist(), strict=True))


def _active(spans: Sequence[StageSpan]) -> tuple[Floats, Floats]:
    """Moments at which the number of calls under way changes, and that number from then on."""
    starts = np.array([span.start_s for span in spans])
    ends = np.array([span.end_s for span in spans])
    moments, places = np.unique(np.concatenate([starts, ends]), return_inverse=True)
    change = np.zeros(len(moments))
    np.add.at(change, places, np.concatenate([np.ones(len(starts)), -np.ones(len(ends))]))
    return moments, np.cumsum(change)


def share_above(samples: Sequence[ResourceSample], memory_bytes: float) -> float:
    """In which part of the samples the run held more than so much memory; 0 without any."""
    return sum(sample.memory_bytes > memory_bytes for sample in samples) / max(1, len(samples))


def timeline(spans: Sequence[StageSpan], wall_s: float) -> dict[str, Any]:
    """Mean number of calls under way in each stage, in equal stretches of the run."""
    edges = np.linspace(0.0, wall_s, BINS + 1)
    lines: dict[str, list[float]] = {stage: [] for stage in STAGES}
    for stage in {span.stage for span in spans} & set(STAGES) if wall_s > 0 else ():
        times, active = _active([span for span in spans if span.stage == stage])
        integral = np.concatenate([[0.0], np.cumsum(np.diff(times) * active[:-1])])
        inside = np.interp(edges, times, integral)
        lines[stage] = [round(float(value), 3) for value in np.diff(inside) / np.diff(edges)]
    return {"bin_s": wall_s / BINS, "stages": lines}


def quantiles(values: Sequence[float]) -> dict[str, float | int | None]:
    """How many, p50, p95 and sum, of seconds; None where there are none."""
    if not values:
        return {"calls": 0, "p50_s": None, "p95_s": None, "total_s": 0.0}
    p50, p95 = np.percentile(np.asarray(values), [50, 95])
    return {
        "calls": len(values),
        "p50_s": round(float(p50), 3),
        "p95_s": round(float(p95), 3),
        "total_s": round(float(np.sum(values)), 3),
    }


def busy_s(spans: Sequence[StageSpan], stage: str) -> float:
    """Worker seconds: calls worked on together count once."""
    return sum(end - start for start, end in {(s.start_s, s.end_s) for s in spans if s.stage == stage})


def scatter(calls: Sequence[CallTimes], most: int) -> list[list[float]]:
    """[minutes, real-time factor]; of more than `most` the worst tenth and every n-th of the rest by length."""
    points = sorted(
        [round(call.audio_s / 60, 3), round(factor, 4)]
        for call in calls
        if (factor := call.real_time_factor) is not None and factor > 0
    )
    if len(points) <= most:
        return points
    worst = sorted(points, key=lambda point: -point[1])[: most // 10]
    return sorted(worst + points[:: len(points) // (most - len(worst)) + 1])


def resources(samples: Sequence[ResourceSample], most: int) -> dict[str, Any]:
    """Memory, CPU, GPU, MLX and queues over time, at most `most` points: the highest of each stretch, CPU's mean."""
    stretches = [
        samples[i : i + size] for size in [-(-len(samples) // most) or 1] for i in range(0, len(samples), size)
    ]
    names = sorted({name for sample in samples for name in sample.queues}, key=_stage_order)
    gpu = any(sample.gpu for sample in samples)
    mlx = any(sample.mlx_bytes for sample in samples)
    return {
        "at_s": [round(part[-1].at_s, 1) for part in stretches],
        "memory_bytes": [max(s.memory_bytes for s in part) for part in stretches],
        "cpu_percent": [round(sum(s.cpu_percent for s in part) / len(part), 1) for part in stretches],
        "gpu_memory_bytes": [max(s.gpu.memory_bytes if s.gpu else 0 for s in part) for part in stretches]
        if gpu
        else None,
        "gpu_percent": [max(s.gpu.busy_percent if s.gpu else 0 for s in part) for part in stretches] if gpu else None,
        "mlx_bytes": [max(s.mlx_bytes or 0 for s in part) for part in stretches] if mlx else None,
        "queues": {name: [max(s.queues.get(name, 0) for s in part) for part in stretches] for name in names},
    }


def mean_shares(samples: Sequence[ResourceSample]) -> MachineShares | None:
    """Where the machine's processor time went on average; None when nothing was sampled."""
    known = [sample.machine for sample in samples if sample.machine is not None]
    if not known:
        return None
    names = ("others", "stolen", "waiting", "idle")
    return MachineShares(*(sum(getattr(shares, name) for shares in known) / len(known) for name in names))


def _stage_order(name: str) -> int:
    return STAGES.index(name) if name in STAGES else len(STAGES)


def slowest(calls: Sequence[CallTimes], most: int) -> list[dict[str, Any]]:
    """The calls that took most work, with their stages and how long they waited."""
    chosen = sorted(calls, key=lambda call: -call.work_s)[:most]
    return [
        {
            "file_name": call.file_name,
            "audio_s": round(call.audio_s, 1),
            "work_s": round(call.work_s, 3),
            "waited_s": round(sum(call.waits_s.values()), 3),
            "real_time_factor": round(call.real_time_factor, 4) if call.real_time_factor is not None else None,
            "stages": {stage: round(call.share_s[stage], 3) for stage in STAGES if stage in call.share_s},
        }
        for call in chosen
    ]
