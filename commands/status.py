"""`run.py status`: the progress of the current run, or of the last one. From another terminal, at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from commands.terminal import say, say_json
from db.existing import existing_ledger
from db.queries.calls import status_counts
from db.queries.runs import RunRecord, latest_runs
from pipeline.config.loader import load_settings
from pipeline.plurals import counted

_SHOWN = (
    "run_id",
    "state",
    "started_at",
    "heartbeat_at",
    "ended_at",
    "exit_code",
    "host",
    "counts",
    "progress",
    "alive",
)


def show_status(config: Path, overrides: Sequence[str], as_json: bool) -> int:
    """Print the last run and the calls by status; returns the exit code."""
    settings = load_settings(config, overrides).settings
    with existing_ledger(settings.database) as database:
        runs = latest_runs(database)
        calls = status_counts(database)
    status = _status(runs[0] if runs else None, calls)
    others = [_status(run, {})["run"] for run in runs[1:] if run.alive]
    if as_json:
        say_json({**status, "other_runs": others})
    else:
        say("\n".join([*(line for run in others for line in _run_lines(run)), _text(status)]))
    return 0


def _status(record: RunRecord | None, calls: dict[str, int]) -> dict[str, Any]:
    if record is None:
        return {"run": None, "calls": calls}
    run = {name: getattr(record, name) for name in _SHOWN}
    # The lock decides, not the heartbeats: a run sends none while it plans, loads models or delivers.
    if record.state == "running" and not record.alive:
        run["note"] = "its lock is free: it was killed; the next run continues from there"
    return {"run": run, "calls": calls}


def _text(status: dict[str, Any]) -> str:
    run = status["run"]
    lines = ["no run yet"] if run is None else _run_lines(run)
    lines.append(f"calls: {_counted(status['calls'])}")
    return "\n".join(lines)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in counts.items() if n) or "none"


def _run_lines(run: dict[str, Any]) -> list[str]:
    lines = [f"run {run['run_id']} on {run['host']}: {run['state']}, begun {run['started_at']:%Y-%m-%d %H:%M:%S}"]
    progress = run["progress"]
    if run["state"] == "running" and progress:
        done = progress["done"] + progress["failed"] + progress["skipped"]
        lines.append(
            f"  {done} of {counted(progress['total'], 'call')}, {progress['failed']} failed, "
            f"{progress['audio_s'] / 60:.1f} min of recordings in {progress['elapsed_s']:.0f} s"
        )
        if done:
            left_s = progress["elapsed_s"] / done * (progress["total"] - done)
            lines.append(f"  about {left_s / 60:.1f} min left; waiting: {progress['queues']}")
    if run["state"] == "finished":
        lines.append(f"  exit code {run['exit_code']}: {_counted(run['counts'])}")
    if run.get("note"):
        lines.append(f"  {run['note']}")
    return lines
