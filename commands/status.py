"""`run.py status`: how the run of the moment, or the last one, is going. From another terminal, at any time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from db.connection import connect
from db.place import existing_home
from pipeline.config.database import EMBEDDED
from pipeline.config.loader import load_settings

_SILENT_S = 30.0
_LAST = """
    SELECT run_id, state, started_at, heartbeat_at, ended_at, exit_code, host, counts, progress
    FROM runs ORDER BY started_at DESC LIMIT 1
"""
_CALLS = "SELECT status, count(*) FROM calls GROUP BY status ORDER BY status"


def show_status(config: Path, overrides: Sequence[str], as_json: bool) -> int:
    """Print the last run and the calls by status; returns the exit code."""
    settings = load_settings(config, overrides).settings
    if settings.database.url == EMBEDDED and existing_home(settings.database.data_dir) is None:
        typer.echo("{}" if as_json else "no run yet: the database does not exist")
        return 0
    with connect(settings.database, up_to_date=False) as database, database.connection() as connection:
        row = connection.execute(_LAST).fetchone()
        calls = dict(connection.execute(_CALLS).fetchall())
    status = _status(row, calls)
    typer.echo(json.dumps(status, default=str) if as_json else _text(status))
    return 0


def _status(row: Any, calls: dict[str, int]) -> dict[str, Any]:
    if row is None:
        return {"run": None, "calls": calls}
    names = ("run_id", "state", "started_at", "heartbeat_at", "ended_at", "exit_code", "host", "counts", "progress")
    run = dict(zip(names, row, strict=True))
    silent_s = (datetime.now(UTC) - run["heartbeat_at"]).total_seconds()
    if run["state"] == "running" and silent_s > _SILENT_S:
        run["note"] = f"no sign of life for {silent_s:.0f} s: it may have been killed"
    return {"run": run, "calls": calls}


def _text(status: dict[str, Any]) -> str:
    run = status["run"]
    lines = []
    if run is None:
        lines.append("no run yet")
    else:
        lines.append(
            f"run {run['run_id']} on {run['host']}: {run['state']}, begun {run['started_at']:%Y-%m-%d %H:%M:%S}"
        )
        progress = run["progress"]
        if run["state"] == "running" and progress:
            done = progress["done"] + progress["failed"] + progress["skipped"]
            lines.append(
                f"  {done} of {progress['total']} calls, {progress['failed']} failed, "
                f"{progress['audio_s'] / 60:.1f} min of recordings in {progress['elapsed_s']:.0f} s"
            )
            if done:
                left_s = progress["elapsed_s"] / done * (progress["total"] - done)
                lines.append(f"  about {left_s / 60:.1f} min left; waiting: {progress['queues']}")
        if run["state"] == "finished":
            lines.append(f"  exit code {run['exit_code']}: {run['counts']}")
        if run.get("note"):
            lines.append(f"  {run['note']}")
    lines.append("calls: " + (", ".join(f"{n} {name}" for name, n in status["calls"].items()) or "none"))
    return "\n".join(lines)
