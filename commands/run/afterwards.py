"""What happens when a run has ended, however it ended: metrics and notifications. They never change the exit code."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from commands.exit_codes import ExitCode, exit_code_of
from commands.run.ending import Ending
from commands.run.metrics import write_metrics
from commands.run.notify import tell
from pipeline.config.areas.reporting import ReportingSettings
from pipeline.errors import told

log = logging.getLogger("earshot.run")


@contextmanager
def ending(settings: ReportingSettings) -> Iterator[Ending]:
    """Yields the Ending for the run to fill in; when the block ends, however it ends, metrics and notifications go
    out."""
    end = Ending()
    try:
        yield end
    except BaseException as error:
        end.error = told(error)
        end.exit_code = exit_code_of(error)
        raise
    finally:
        _afterwards(settings, end)


def _afterwards(settings: ReportingSettings, end: Ending) -> None:
    try:
        # A run that found another one in progress leaves the other one's metrics alone.
        if settings.prometheus_file is not None and end.exit_code != ExitCode.LOCKED:
            write_metrics(settings.prometheus_file, end)
    except Exception as error:  # noqa: BLE001 - metrics must never fail a run that has done its work
        log.warning("reporting.prometheus_file %s: not written (%s)", settings.prometheus_file, error)
    for problem in tell(settings.notify, end):
        log.warning("%s", problem)
