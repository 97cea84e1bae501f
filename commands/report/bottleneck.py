"""Which stage slows a run down, and which setting to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.config.root import Settings
from pipeline.plurals import counted
from pipeline.run.performance import MachineShares

TAKEN = 0.25
"""Share of all processors' time taken by others, or lost to a disk, from which the machine is the bottleneck."""
SPARE = 0.15
"""With a larger idle share, processor time was left for the run."""
MOSTLY = 0.5
"""A cause that takes over half of the time is the one to name; under that none stands out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How busy a run's parts were. Shares are 0..1."""

    startup_share: float
    """Of the whole run: planning and loading models, before the first call."""
    short_of_memory_share: float
    """Of the samples: memory above `run.max_memory_gb` × `run.memory_threshold`, so that no call was begun."""
    utilisation: Mapping[str, float]
    """By stage: worker seconds over the workers' time from the first call to the last."""
    machine: MachineShares | None = None
    """Means over the run; None where nothing was sampled."""
    longest_step: str | None = None
    """Analysis step that took most time."""


def bottleneck(load: Load, settings: Settings, cores: int) -> dict[str, Any]:
    """The first of these that holds: memory short in over half of the samples; a machine starved or waiting for
    its disk; start-up over half of the run; the stage with the highest utilisation, if that is over a half.
    Otherwise none stands out.
    """
    run = settings.run
    if load.short_of_memory_share > MOSTLY:
        return _answer(
            "memory",
            f"{load.short_of_memory_share:.0%} of the time the run was above its memory threshold and began no call",
            f"raise run.max_memory_gb, or lower run.calls_ahead (now {run.calls_ahead}) "
            f"and run.decode_workers (now {run.decode_workers})",
        )
    if load.machine is not None and (answer := _starved(load.machine)):
        return answer
    if load.startup_share > MOSTLY:
        return _answer(
            "start-up",
            f"planning and loading models took {load.startup_share:.0%} of the run",
            "nothing to tune for so few calls: process more calls per run",
        )
    stage = max(load.utilisation, key=lambda name: load.utilisation[name], default=None)
    if stage is None or load.utilisation[stage] <= MOSTLY:
        return _answer(None, "no stage was busy for over half of the time", "raise run.calls_ahead if calls are long")
    why = f"{stage} was busy {load.utilisation[stage]:.0%} of the time, more than any other stage"
    return _answer(stage, why, _setting(stage, load, settings, cores))


def _starved(machine: MachineShares) -> dict[str, Any] | None:
    """Whatever stage is slow then is slow because of the machine."""
    taken = machine.others + machine.stolen
    if taken > TAKEN and machine.idle + machine.waiting < SPARE:
        return _answer(
            "machine",
            f"other processes took {machine.others:.0%} of the processors' time, the hypervisor {machine.stolen:.0%}, "
            f"and {machine.idle:.0%} was idle; every stage took longer for it",
            "run at an hour when the machine is free, or on dedicated cores",
        )
    if machine.waiting > TAKEN:
        return _answer(
            "disk",
            f"the processors waited for a disk {machine.waiting:.0%} of the time",
            "put run.spool_dir and the database on a faster disk, or read the recordings from one",
        )
    return None


def _answer(name: str | None, why: str, setting: str) -> dict[str, Any]:
    return {"name": name, "why": why, "setting": setting}


def _setting(stage: str, load: Load, settings: Settings, cores: int) -> str:
    run = settings.run
    if stage == "prepare":
        if run.decode_workers < cores:
            return f"raise run.decode_workers from {run.decode_workers}; the machine has {counted(cores, 'core')}"
        return f"run.decode_workers ({run.decode_workers}) uses every core: add cores, or read from a faster source"
    if stage == "recognise":
        return (
            "a faster engine or model first in transcription.engines, a larger transcription.<engine>.batch_size where "
            "memory allows, or hardware; run.py doctor says whether MLX runs on a slow BLAS"
        )
    if stage == "analyse":
        step = f" (most of it in the step {load.longest_step})" if load.longest_step else ""
        return f"raise run.analysis_workers from {run.analysis_workers}{step}, or llm.<provider>.concurrency"
    return "put the database on a faster disk or nearer, or set database.store_words: false"
