"""Which executor works on the calls of a run, and what a worker on a cluster is made from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from commands.permissions import check_writable, keep_private, let_read
from commands.run.joining import joined_worker
from commands.run.tracing import TracedObserver
from pipeline.children.worker import TaskServer
from pipeline.config.loader import export_env_file
from pipeline.config.root import Settings
from pipeline.encryption.here import use_keys
from pipeline.log_lines import LOG_FILE
from pipeline.masking import know_environment, know_settings
from pipeline.run.context import ChildBuild, Hire, hire_here
from pipeline.run.executors.local import LocalExecutor
from pipeline.run.executors.port import BuildExecutor
from pipeline.run.joined_worker import JoinedWorker
from pipeline.tracing.spans import Spans


def executor_of(settings: Settings) -> BuildExecutor:
    """As `run.executor` says."""
    return _EXECUTORS[settings.run.executor](settings)


def _ray(settings: Settings) -> BuildExecutor:
    from pipeline.run.executors.ray_cluster.cluster import WorkerBuild, ray_executor

    shared = share_of(settings, settings.ray.workers)
    build = WorkerBuild(
        open_worker=partial(open_worker, shared), settle=partial(settle, shared), spool=settings.run.spool_dir
    )
    return ray_executor(settings.ray, settings.run.decode_workers, build)


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


class NotedObserver(TracedObserver):
    """Notices go to the run as well."""

    def __init__(self, spans: Spans, take_notice: Callable[[str], None]) -> None:
        super().__init__(spans)
        self._take_notice = take_notice

    def notice(self, message: str) -> None:
        super().notice(message)
        self._take_notice(message)


@contextmanager
def open_worker(
    settings: Settings, take_notice: Callable[[str], None], hire: Hire
) -> Iterator[tuple[JoinedWorker, str]]:
    """In an actor's process: a worker, and its name in the claims. Keys of outside services are this machine's."""
    _settle(settings)
    with joined_worker(settings, partial(NotedObserver, take_notice=take_notice), hire_of(settings, hire)) as opened:
        yield opened


def hire_of(settings: Settings, elsewhere: Hire) -> Hire:
    """With a language model the analysis stays with the worker: its accelerator, its ceilings and its quotas."""

    def hire(name: str, child: ChildBuild, limit_key: str) -> TaskServer:
        here = name == "analysis" and settings.llm.providers != ("extractive",)
        return (hire_here if here else elsewhere)(name, child, limit_key)

    return hire


def settle(settings: Settings) -> None:
    """In the process of a task: as a worker's own, and its decoders log to a file of this machine."""
    _settle(settings)
    let_read(settings.output.readable_by)
    use_keys(settings.encryption)
    check_writable(settings.run.spool_dir)
    logs = settings.output.directory / "logs"
    check_writable(logs)
    stamp = datetime.now(UTC).strftime("%Y%m%d_%H%M%S")
    os.environ[LOG_FILE] = str((logs / f"earshot_{stamp}_{os.getpid()}.jsonl").resolve())


def _settle(settings: Settings) -> None:
    keep_private()
    export_env_file(Path(".env"))
    know_environment(os.environ)
    know_settings(settings.model_dump(mode="json"), os.environ)
