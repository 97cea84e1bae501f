"""Workers on a Ray cluster: config.yaml's `ray`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from pipeline.config.base import Area


class RaySettings(Area):
    """Workers on a Ray cluster, where `run.executor` is ray (docs/operations.md, "More workers"). Needs the extra
    `ray`. A worker has a recogniser of its own; what decodes and analyses for it are tasks on processors of any
    machine."""

    address: str = "local"
    """local (a cluster of this machine alone, made for the run), auto (the one this machine belongs to, or
    RAY_ADDRESS), or HOST:PORT of its head (`ray start --head` prints it)."""
    workers: Annotated[int, Field(ge=1, le=10_000)] = 2
    """Most workers at once. Quotas and ceilings on cost of outside services are divided by this number."""
    calls_per_worker: Annotated[int, Field(ge=1)] = 8
    """One worker is asked for per this many calls that are left to do, so that a cluster that grows by demand gets as
    many machines as the work is worth."""
    cpus_per_worker: Annotated[float, Field(gt=0)] | None = None
    """Processors that a worker reserves, on its recogniser's machine as far as there are any, else on others: one for
    itself, and one for each task that decodes or analyses for it (of less than two, half and half). null for
    `run.decode_workers`. With a language model among `llm.providers` the analysis stays with the worker."""
    gpus_per_worker: Annotated[float, Field(ge=0)] = 0.0
    """Accelerators that a worker reserves for its recogniser: 0 for none, 1, or a fraction where several share one."""
    folder: Path | None = None
    """The folder of Earshot on the machines of the cluster; null where it is this one's. Relative paths of other
    settings count from there."""
    start_timeout_s: Annotated[float, Field(gt=0)] = 600.0
    """Time limit for the first worker to get a machine; after that the run ends with 3."""

    @field_validator("address")
    @classmethod
    def _of_a_head(cls, value: str) -> str:
        if value in {"local", "auto"}:
            return value
        if value.startswith("ray://"):
            raise ValueError(
                "a run is started on a machine of the cluster (`ray job submit`, or a shell there), not through a Ray "
                "client (ray://): give local, auto, or HOST:PORT of the head"
            )
        host, separator, port = value.rpartition(":")
        if not (host and separator and port.isdigit() and 0 < int(port) < 65_536):
            raise ValueError("must be local, auto, or HOST:PORT of the cluster's head")
        return value
