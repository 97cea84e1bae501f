"""Logs: JSON lines to a file, readable lines on the terminal; run_id on each; no secrets."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.logging import RichHandler

_SECRETS = re.compile(r"(://[^:/@\s]+:)[^@\s]+@|\b(?:sk|AKIA|ASIA)[-A-Za-z0-9_]{12,}")
_EXTRAS = ("run_id", "call_id", "stage")


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, logger, message, run_id, and call_id and stage where a record has them."""

    def __init__(self) -> None:
        super().__init__()
        self.run_id: str | None = None

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
            "run_id": self.run_id,
        }
        line.update({name: getattr(record, name) for name in _EXTRAS if getattr(record, name, None) is not None})
        if record.exc_info:
            line["traceback"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def without_secrets(text: str) -> str:
    """Passwords in addresses and keys of well-known shapes are masked."""
    return _SECRETS.sub(lambda match: f"{match.group(1)}***@" if match.group(1) else "***", text)


def log_to(console: Console, folder: Path, stamp: str) -> JsonLines:
    """Log to `console` (warnings and the run's own lines) and to `folder/earshot_<stamp>.jsonl`. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    to_file = logging.FileHandler(folder / f"earshot_{stamp}.jsonl", encoding="utf-8", delay=False)
    formatter = JsonLines()
    to_file.setFormatter(formatter)
    to_file.setLevel(logging.INFO)
    to_terminal = RichHandler(console=console, show_path=False, show_time=False, markup=False, level=logging.WARNING)
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    logging.getLogger("earshot").setLevel(logging.INFO)
    for name in ("pipeline", "analysis", "db", "commands"):
        logging.getLogger(name).setLevel(logging.INFO)
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.addHandler(to_file)
    root.addHandler(to_terminal)
    return formatter
