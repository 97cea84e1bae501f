"""Which executor works on the calls of a run, and what a worker on a cluster is made from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from commands.permissions import keep_private
from commands.run.joining import joined_worker
from commands.run.tracing import TracedObserver
from pipeline.config.loader import export_env_file
from pipeline.config.root import Settings
from pipeline.masking import know_environment, know_settings
from pipeline.run.executors.local import LocalExecutor
from pipeline.run.executors.port import BuildExecutor
from pipeline.run.joined import JoinedWorker
from pipeline.tracing.spans import Spans


def executor_of(settings: Settings) -> BuildExecutor:
    """As `run.executor` says."""
    return _EXECUTORS[settings.run.executor](settings)


def _ray(settings: Settings) -> BuildExecutor:
    from pipeline.run.executors.ray_cluster.cluster import ray_executor

    shared = share_of(settings, settings.ray.workers)
    return ray_executor(settings.ray, settings.run.decode_workers, partial(open_worker, shared))


_EXECUTORS: dict[str, Callable[[Settings], BuildExecutor]] = {"local": lambda _: LocalExecutor, "ray": _ray}


def share_of(settings: Settings, workers: int) -> Settings:
    """The settings for each of so many workers: quotas and ceilings on cost of the run are divided among them."""
    llm, transcription = settings.llm.shared_by(workers), settings.transcription
    tokens, cost_usd, paid_usd = llm.max_tokens, llm.max_cost_usd, transcription.max_cost_usd
    return settings.model_copy(
        update={
            "llm": llm.model_copy(
                update={
                    "max_tokens": None if tokens is None else tokens // workers,
                    "max_cost_usd": None if cost_usd is None else cost_usd / workers,
                }
            ),
            "transcription": transcription.model_copy(
                update={"max_cost_usd": None if paid_usd is None else paid_usd / workers}
            ),
        }
    )


class _NotedObserver(TracedObserver):
    """Notices go to the run as well."""

    def __init__(self, spans: Spans, take_notice: Callable[[str], None]) -> None:
        super().__init__(spans)
        self._take_notice = take_notice

    def notice(self, message: str) -> None:
        super().notice(message)
        self._take_notice(message)


@contextmanager
def open_worker(settings: Settings, take_notice: Callable[[str], None]) -> Iterator[tuple[JoinedWorker, str]]:
    """In an actor's process: a worker, and its name in the claims. Keys of outside services are this machine's."""
    keep_private()
    export_env_file(Path(".env"))
    know_environment(os.environ)
    know_settings(settings.model_dump(mode="json"), os.environ)
    with joined_worker(settings, partial(_NotedObserver, take_notice=take_notice)) as opened:
        yield opened
