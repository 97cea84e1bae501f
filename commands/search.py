"""`run.py search`: who said it, in which call, when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from db.existing import existing_ledger
from db.queries.calls import search
from pipeline.config.loader import load_settings
from pipeline.records import Role


def show_hits(  # noqa: PLR0917 - the options of the command
    config: Path, overrides: Sequence[str], query: str, role: Role | None, limit: int, as_json: bool
) -> int:
    """Print the places where `query` was said; returns the exit code."""
    settings = load_settings(config, overrides).settings
    with existing_ledger(settings.database) as database:
        hits = search(database, query, role=role, limit=limit)
    if as_json:
        typer.echo(json.dumps([asdict(hit) for hit in hits], ensure_ascii=False, default=str))
        return 0
    table = Table(title=f"{len(hits)} hits for {query!r}", title_justify="left")
    for name in ("call", "at", "who", "said"):
        table.add_column(name, overflow="fold")
    for hit in hits:
        minutes, seconds = divmod(int(hit.start_s), 60)
        table.add_row(hit.file_name, f"{minutes}:{seconds:02d}", hit.role, hit.text)
    Console().print(table)
    return 0
