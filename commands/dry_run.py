"""`--dry-run`: what a run would do, how long it would take and cost. Writes nothing."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from analysis.summary.templates import render_preview
from db.connection import connect
from db.place import existing_home
from db.store import PostgresStore
from pipeline.config.database import EMBEDDED
from pipeline.config.loader import LoadedSettings
from pipeline.config.root import Settings
from pipeline.plan import Action, Plan, PlannedCall, Recipe, decide, in_order, look_up, within_limit
from pipeline.records import AudioHeader, SkippedFile
from pipeline.sources.probe import probe_many
from pipeline.sources.source import CallSource, build_source
from pipeline.transcribing import expected_identity

_HISTORY = """
    SELECT coalesce(sum((report->>'audio_s')::float), 0), coalesce(sum((report->>'wall_s')::float), 0),
           coalesce(sum((counts->>'done')::int), 0)
    FROM (SELECT report, counts FROM runs WHERE state = 'finished' AND (report->>'audio_s')::float > 0
          ORDER BY started_at DESC LIMIT 5) AS recent
"""
_COST = "SELECT coalesce(sum(cost_usd), 0), count(DISTINCT call_id) FROM call_steps WHERE cost_usd IS NOT NULL"


def show_plan(loaded: LoadedSettings) -> int:
    """Print the plan; returns the exit code. Raises StartupError."""
    settings = loaded.settings
    source = build_source(settings.input)
    recipe = Recipe(
        engines=settings.transcription.engines,
        first=expected_identity(settings),
        allow_downgrade=settings.run.allow_downgrade,
    )
    plan, history = _plan(settings, source, recipe)
    headers, skipped = _headers(settings, source, plan.to_do)
    console = Console()
    console.print(_table(plan, headers, skipped))
    for line in _estimates(headers, len(plan.to_do), history):
        console.print(line)
    if plan.undecided:
        console.print(
            f"{len(plan.undecided)} known calls were transcribed under other settings or by a fallback: whether they "
            "are done again depends on which engine loads today, which a dry run does not try"
        )
    console.print(f"\na summary will look like this ({settings.summary.template}):\n", style="dim")
    console.print(render_preview(settings.summary), markup=False)
    console.print("\nnothing was written")
    return 0


def _plan(settings: Settings, source: CallSource, recipe: Recipe) -> tuple[Plan, Mapping[str, Any]]:
    """The plan against the ledger; against an empty one where the embedded database does not exist yet."""
    plan = Plan()
    calls = in_order(source.discover(), plan, settings.run.order, settings.run.seed)
    history: dict[str, Any] = {}
    if settings.database.url == EMBEDDED and existing_home(settings.database.data_dir) is None:
        decided = [decide(call, None, settings.run.reprocess, recipe) for call in calls]
    else:
        with connect(settings.database, up_to_date=False) as database:
            store = PostgresStore(database)
            decided = look_up(calls, store, settings.run.reprocess, recipe)
            with database.connection() as connection:
                audio_s, wall_s, done = connection.execute(_HISTORY).fetchone() or (0, 0, 0)
                cost_usd, priced = connection.execute(_COST).fetchone() or (0, 0)
            history = {"audio_s": audio_s, "wall_s": wall_s, "done": done, "cost_usd": cost_usd, "priced": priced}
    for call in decided:
        plan.add(call)
    within_limit(plan, settings.run.limit)
    return plan, history


def _headers(
    settings: Settings, source: CallSource, calls: Sequence[PlannedCall]
) -> tuple[list[AudioHeader], Counter[str]]:
    """Headers of what is to be read, and what they rule out."""
    wanted = [call.found for call in calls if call.action is not Action.ANALYSE]
    headers: list[AudioHeader] = []
    ruled_out: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="earshot-dry-run-") as spool:
        for _, answer in probe_many(wanted, source, Path(spool), settings.input, settings.run.io_workers):
            if isinstance(answer, AudioHeader):
                headers.append(answer)
            else:
                ruled_out[answer.reason if isinstance(answer, SkippedFile) else type(answer).__name__] += 1
    return headers, ruled_out


def _table(plan: Plan, headers: Sequence[AudioHeader], ruled_out: Counter[str]) -> Table:
    table = Table(title="Plan", title_justify="left")
    table.add_column("what")
    table.add_column("calls", justify="right")
    for action, number in sorted(Counter(call.action.value for call in plan.to_do).items()):
        table.add_row(action, str(number))
    for name, number in (
        ("unchanged", plan.unchanged),
        ("undecided", len(plan.undecided)),
        ("quarantined", len(plan.quarantined)),
        ("skipped before", plan.skipped_before),
        ("still being written", len(plan.waiting)),
        ("left by run.limit", plan.left),
    ):
        if number:
            table.add_row(name, str(number))
    for reason, number in sorted(Counter(item.reason for item in plan.skipped).items()):
        table.add_row(f"skipped: {reason}", str(number))
    for reason, number in sorted(ruled_out.items()):
        table.add_row(f"would not be processed: {reason}", str(number))
    hours = sum(header.duration_s or 0.0 for header in headers) / 3600
    table.caption = f"{hours:.2f} hours of recordings to read; {plan.found} found"
    return table


def _estimates(headers: Sequence[AudioHeader], calls: int, history: Mapping[str, Any]) -> list[str]:
    """From the last runs; nothing is made up where there are none."""
    audio_s = sum(header.duration_s or 0.0 for header in headers)
    lines = []
    if history.get("audio_s") and history.get("wall_s"):
        speed = history["audio_s"] / history["wall_s"]
        lines.append(f"time: about {audio_s / speed / 60:.1f} min at the {speed:.1f} × real time of the last runs")
    else:
        lines.append("time: no finished run to estimate from yet")
    if history.get("priced"):
        each = float(history["cost_usd"]) / history["priced"]
        lines.append(f"cost: about {each * calls:.2f} USD at {each:.4f} USD a call so far")
    else:
        lines.append("cost: no paid provider has been used so far")
    return lines
