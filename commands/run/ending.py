"""What happens when a run has ended, however it ended: metrics, traces, and telling people. None of it changes the exit
code."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from commands.app import EXIT_CODES
from commands.run.metrics import write_metrics
from commands.run.notify import tell
from pipeline.config.areas.reporting import ReportingSettings
from pipeline.errors import RunLocked

log = logging.getLogger("earshot.run")


@dataclass(slots=True)
class Ending:
    """How a run ended; filled in while it goes on."""

    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    host: str = field(default_factory=socket.gethostname)
    run_id: str | None = None
    """None when it ended before it got one."""
    exit_code: int = 3
    counts: Mapping[str, int] = field(default_factory=dict)
    adds_up: bool | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None

    @property
    def wall_s(self) -> float:
        return (datetime.now(UTC) - self.began_at).total_seconds()


@contextmanager
def ending(settings: ReportingSettings) -> Iterator[Ending]:
    """Yields the Ending for the run to fill in; when the block is left, however, the world is told."""
    end = Ending()
    try:
        yield end
    except BaseException as error:
        end.error = str(error) or type(error).__name__
        end.exit_code = exit_code_of(error)
        raise
    finally:
        _afterwards(settings, end)


def exit_code_of(error: BaseException) -> int:
    """DESIGN's table; 1 for what nobody foresaw."""
    if isinstance(error, KeyboardInterrupt):
        return 130
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1)


def _afterwards(settings: ReportingSettings, end: Ending) -> None:
    try:
        # A run that found another one at work says nothing of the other one's metrics.
        if settings.prometheus_file is not None and end.exit_code != _LOCKED:
            write_metrics(settings.prometheus_file, end)
    except Exception as error:  # noqa: BLE001 - metrics must never fail a run that has done its work
        log.warning("reporting.prometheus_file %s: not written (%s)", settings.prometheus_file, error)
    for problem in tell(settings.notify, end):
        log.warning("%s", problem)


_LOCKED = next(code for kind, code in EXIT_CODES if kind is RunLocked)
