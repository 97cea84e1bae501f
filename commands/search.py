"""`run.py search`: who said it, in which call, when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from commands.terminal import Terminal, cell, say_json, table
from db.existing import existing_ledger
from db.queries.calls import search
from pipeline.config.loader import load_settings
from pipeline.plurals import counted
from pipeline.records import Role


def show_hits(  # noqa: PLR0917 - the options of the command
    config: Path, overrides: Sequence[str], query: str, role: Role | None, limit: int, as_json: bool
) -> int:
    """Print the places where `query` was said; returns the exit code."""
    settings = load_settings(config, overrides).settings
    with existing_ledger(settings.database) as database:
        hits = search(database, query, role=role, limit=limit)
    if as_json:
        say_json([asdict(hit) for hit in hits])
        return 0
    shown = table(f"{counted(len(hits), 'hit')} for {query!r}")
    for name in ("call", "at", "who", "said"):
        shown.add_column(name, overflow="fold")
    for hit in hits:
        minutes, seconds = divmod(int(hit.start_s), 60)
        shown.add_row(cell(hit.file_name), f"{minutes}:{seconds:02d}", hit.role, cell(hit.text))
    Terminal().print(shown)
    return 0
