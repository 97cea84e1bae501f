"""The display of a run: a progress bar with ETA on a terminal, plain lines elsewhere, and the log either way."""

from __future__ import annotations

import logging
import sys
import threading
import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as RemainingColumn

from commands.console import Terminal
from pipeline.plurals import counted
from pipeline.records import CallStatus, FoundCall
from pipeline.visible_text import one_line

log = logging.getLogger("earshot.run")

_LINE_EVERY_S = 30.0


class ConsoleObserver:
    """Shows a run on standard error. Called from the run's threads."""

    def __init__(self, console: Terminal | None = None, line_every_s: float = _LINE_EVERY_S) -> None:
        """`line_every_s`: between two lines where there is no terminal for a bar."""
        self.console = console or Terminal(sys.stderr)
        self._line_every_s = line_every_s
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("calls  {task.fields[failed]} failed"),
            TimeElapsedColumn(),
            TextColumn("left"),
            RemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self._task: TaskID | None = None
        self._total = 0
        self._finished = 0
        self._failed = 0
        self._began = time.monotonic()
        self._last_line = self._began
        self._lock = threading.Lock()

    def planned(self, total: int, total_bytes: int) -> None:
        self._total = total
        self._began = self._last_line = time.monotonic()
        log.info("to do: %s, %.1f MB", counted(total, "call"), total_bytes / 1e6)
        if total:
            self._task = self._bar.add_task("calls", total=total, failed=0)

    def call_finished(self, found: FoundCall, status: CallStatus, detail: str) -> None:
        with self._lock:
            self._finished += 1
            self._failed += status is not CallStatus.DONE
            level = logging.INFO if status is CallStatus.DONE else logging.WARNING
            log.log(level, "%s: %s%s", one_line(found.file_name), status.value, f" ({detail})" if detail else "")
            if self._task is not None:
                self._bar.update(self._task, advance=1, failed=self._failed)
            self._line_now_and_then()

    def notice(self, message: str) -> None:
        log.warning("%s", message)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def _line_now_and_then(self) -> None:
        """For a cron job's log: a line every half minute instead of a bar."""
        now = time.monotonic()
        if self.console.is_terminal or now - self._last_line < self._line_every_s:
            return
        self._last_line = now
        if self._finished > self._total:  # a worker that stays does not know how many will come
            self.console.print(f"{counted(self._finished, 'call')}, {self._failed} failed")
            return
        left_s = (now - self._began) / self._finished * (self._total - self._finished)
        self.console.print(
            f"{self._finished}/{counted(self._total, 'call')}, {self._failed} failed, about {left_s / 60:.0f} min left"
        )
