"""JSON lines of a log, in the run's process and in the processes it spawns. A leaf."""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import told, traceback_text
from pipeline.masking import masked
from pipeline.tracing.origin import Origin, current_origin, working_for
from pipeline.visible_text import visible

LOG_FILE = "EARSHOT_LOG_FILE"
RUN_ID = "EARSHOT_RUN_ID"
"""Environment variables through which a spawned process continues its parent's log."""
OURS = ("earshot", "pipeline", "analysis", "db", "commands", "service")

_call: ContextVar[dict[str, str]] = ContextVar("_call", default={})  # noqa: B039 - never changed in place


@contextmanager
def about_call(file_name: str, call_id: str | None, stage: str, origin: Origin | None = None) -> Iterator[None]:
    """Log records inside carry the call they are about, and the request it is worked on for."""
    fields = {"stage": stage, "file_name": file_name, **({"call_id": call_id} if call_id else {})}
    token = _call.set(fields)
    try:
        with working_for(origin):
            yield
    finally:
        _call.reset(token)


class PlainLines(logging.Formatter):
    """The message, with a traceback below it. Secrets are masked, control characters are written out."""

    def format(self, record: logging.LogRecord) -> str:
        lines = [_message(record)]
        if record.exc_info and record.exc_info[1]:
            lines.append(traceback_text(record.exc_info[1]))
        return visible("\n".join(lines))


class LevelledLines(PlainLines):
    """The same, the level in front."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{record.levelname:8} {super().format(record)}"


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, logger, process, message, run_id.

    Where known also call_id, file_name, stage, and request_id and trace_id of the request that is worked for.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.processName,
            "message": _message(record),
            "run_id": os.environ.get(RUN_ID),
        }
        line.update(_call.get())
        if (origin := current_origin()) is not None:
            line.update(request_id=origin.request_id, trace_id=origin.place.trace_id)
        line.update({name: getattr(record, name) for name in ("call_id", "stage") if hasattr(record, name)})
        if record.exc_info and record.exc_info[1]:
            line["traceback"] = traceback_text(record.exc_info[1])
        return visible(json.dumps(line, ensure_ascii=False, default=str))


def _message(record: logging.LogRecord) -> str:
    """The message without secrets; an error among its arguments is worded by `described`."""
    template, arguments = record.msg, record.args
    if isinstance(arguments, tuple) and any(isinstance(item, BaseException) for item in arguments):
        arguments = tuple(told(item) if isinstance(item, BaseException) else item for item in arguments)
    return masked(str(template) % arguments if arguments else str(template))


class _LogFile(logging.handlers.WatchedFileHandler):
    """A file of lines. When it cannot be written to (a full disk, say), the work goes on and one message says so.

    An erasure puts a clean copy in its place: the next line goes there.
    """

    _complained = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._complained:
            self._complained = True
            sys.stderr.write(f"{self.baseFilename}: log lines are lost: {error.strerror or error}\n")


def json_handler(path: Path) -> logging.Handler:
    """Appends whole lines, so that several processes can share the file. Raises OSError."""
    handler = _LogFile(path, mode="a", encoding="utf-8")
    handler.setFormatter(JsonLines())
    handler.setLevel(logging.INFO)
    return handler


def attach(handlers: list[logging.Handler]) -> None:
    """Use these handlers and no others: our own loggers from INFO up, all others from WARNING up."""
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    for handler in handlers:
        root.addHandler(handler)


def continue_log() -> None:
    """In a spawned process: continue the run's log, and print warnings on standard error too."""
    path = os.environ.get(LOG_FILE)
    if not path:
        return
    aloud = logging.StreamHandler(sys.stderr)
    aloud.setLevel(logging.WARNING)
    aloud.setFormatter(PlainLines())
    try:
        attach([json_handler(Path(path)), aloud])
    except OSError:
        attach([aloud])  # the folder of logs is gone: the work matters more
