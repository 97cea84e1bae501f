"""Logs: JSON lines to a file, readable lines on the terminal; run_id on each; no secrets, no words from calls."""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from rich.logging import RichHandler

from commands.console import Terminal
from pipeline.config.areas.reporting import ReportingSettings
from pipeline.errors import OutputUnavailable
from pipeline.log_lines import LOG_FILE, RUN_ID, LevelledLines, PlainLines, attach, json_handler

_DAY_S = 86_400.0
ON_FILE_ONLY = "on_file_only"
"""Set in a record's `extra` when the terminal shows the same thing in another way."""


def free_stamp(folder: Path, moment: datetime) -> str:
    """`YYYYMMDD_HHMMSS` of the moment, or of the first second after it that no run with this log folder has.

    Runs over different inputs may begin in the same second.
    """
    with suppress(OSError):  # `log_to` says what is wrong
        folder.mkdir(parents=True, exist_ok=True)
        while not _is_ours(folder / f"earshot_{moment:%Y%m%d_%H%M%S}.jsonl"):
            moment += timedelta(seconds=1)
    return f"{moment:%Y%m%d_%H%M%S}"


def _is_ours(path: Path) -> bool:
    try:
        path.touch(exist_ok=False)
        return True
    except FileExistsError:
        return False


def log_to(console: Terminal, folder: Path, stamp: str, settings: ReportingSettings | None = None) -> Path:
    """Log to `console` (warnings and the run's own lines) and to `folder/earshot_<stamp>.jsonl`, which is returned.

    Spawned processes go on in the same file. Old files are removed as `reporting.keep_logs` says. Raises
    OutputUnavailable.
    """
    path = folder / f"earshot_{stamp}.jsonl"
    os.environ.pop(RUN_ID, None)
    os.environ[LOG_FILE] = str(path.resolve())
    settings = settings or ReportingSettings()
    to_terminal = _on_terminal(console)
    to_terminal.addFilter(lambda record: not getattr(record, ON_FILE_ONLY, False))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        to_file = json_handler(path)
    except OSError as error:
        raise OutputUnavailable(
            f"{folder}: logs cannot be written there ({error.strerror or error}); fix its permissions or free space, "
            "or choose another folder with --output (output.directory)"
        ) from error
    attach([to_file, to_terminal])
    prune(folder, path, settings.keep_logs, settings.keep_logs_days)
    return path


def _on_terminal(console: Terminal) -> logging.Handler:
    """Warnings, wrapped and coloured for a person; in a file or a pipe a line each."""
    handler: logging.Handler
    if console.is_terminal:
        handler = RichHandler(console=console, show_path=False, show_time=False, markup=False)
        handler.setFormatter(PlainLines())
    else:
        handler = logging.StreamHandler(console.file)
        handler.setFormatter(LevelledLines())
    handler.setLevel(logging.WARNING)
    return handler


def this_run(run_id: str) -> None:
    """Every later line, of this process and of those spawned from now on, carries `run_id`."""
    os.environ[RUN_ID] = run_id


def prune(folder: Path, current: Path, keep: int, keep_days: float | None) -> None:
    """Remove all but the `keep` newest log files, and those older than `keep_days`; never `current`."""
    files = sorted((path for path in folder.glob("earshot_*.jsonl") if path != current), key=lambda path: path.name)
    too_many = files[: max(0, len(files) + 1 - keep)]
    oldest = time.time() - keep_days * _DAY_S if keep_days is not None else None
    for path in files:
        with suppress(OSError):  # somebody else's, or gone already: not worth a run
            if path in too_many or (oldest is not None and path.stat().st_mtime < oldest):
                path.unlink()
