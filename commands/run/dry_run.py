"""`--dry-run`: what a run would do, how long it would take and cost. Writes nothing."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from analysis.summary.templates import render_preview
from commands.run.wiring import analysis_steps
from commands.terminal import Terminal, table
from db.existing import ledger_if_any
from db.ledger.store import PostgresStore
from db.queries.runs import History, history
from pipeline.children.worker import Worker
from pipeline.config.loader import LoadedSettings
from pipeline.config.root import Settings
from pipeline.records import AudioHeader, CallForAnalysis, SkippedFile
from pipeline.run.analyser import FingerprintTask, build_analyser
from pipeline.run.plan import Action, Plan, PlannedCall, decide, in_order, look_up, with_steps, within_limit
from pipeline.run.recipes import Recipe, build_recipe
from pipeline.sources.probe import probe_many
from pipeline.sources.source import CallSource, build_source

_FINGERPRINTS_AT_ONCE = 2000


def show_plan(loaded: LoadedSettings) -> int:
    """Print the plan; returns the exit code. Raises StartupError."""
    settings = loaded.settings
    source = build_source(settings.input)
    plan, analysed_anyway, past = _plan(settings, source, build_recipe(settings))
    headers, skipped = _headers(settings, source, plan.to_do)
    console = Terminal()
    console.print(_table(plan, headers, skipped))
    for line in _estimates(headers, len(plan.to_do) + analysed_anyway, past):
        console.print(line)
    if plan.undecided:
        console.print(
            f"{len(plan.undecided)} known calls were transcribed under other settings or by a fallback: whether they "
            "are done again depends on which engine loads today, which a dry run does not try; "
            f"{analysed_anyway} of them are analysed again in any case"
        )
    console.print(f"\na summary will look like this ({settings.summary.template}):\n", style="dim")
    console.print(render_preview(settings.summary))
    console.print("\nnothing was written")
    return 0


def _plan(settings: Settings, source: CallSource, recipe: Recipe) -> tuple[Plan, int, History | None]:
    """The plan, the undecided calls that are analysed whatever is decided, and figures of earlier runs.

    Against the ledger; against an empty one where no run has made the database or its tables yet.
    """
    plan = Plan()
    calls = in_order(source.discover(), plan, settings.run.order, settings.run.seed)
    past: History | None = None
    with ledger_if_any(settings.database) as database:
        if database is None:
            decided = [decide(call, None, settings.run.reprocess, recipe) for call in calls]
        else:
            decided = look_up(calls, PostgresStore(database), settings.run.reprocess, recipe)
            past = history(database)
    decided, analysed_anyway = _with_stale_steps(decided, settings)
    for call in decided:
        plan.add(call)
    within_limit(plan, settings.run.limit)
    return plan, analysed_anyway, past


def _with_stale_steps(calls: Sequence[PlannedCall], settings: Settings) -> tuple[list[PlannedCall], int]:
    """As a run does it: unchanged calls whose prompt, glossary or model changed since are to be analysed.

    An undecided one stays so; how many of those are to be analysed is the second answer.
    """
    decided, anyway = list(calls), 0
    settled = [place for place, call in enumerate(decided) if call.action in (Action.UNCHANGED, Action.UNDECIDED)]
    if not settled:
        return decided, anyway
    worker = Worker(
        "analysis", build_analyser, (analysis_steps, (settings,)), one_core=True, limit_key="run.analysis_timeout_s"
    )

    def fingerprints(stubs: Sequence[CallForAnalysis]) -> Sequence[Mapping[str, str]]:
        answer: list[dict[str, str]] = worker.call(FingerprintTask(tuple(stubs)), settings.run.analysis_timeout_s)
        return answer

    try:
        for start in range(0, len(settled), _FINGERPRINTS_AT_ONCE):
            places = settled[start : start + _FINGERPRINTS_AT_ONCE]
            checked = with_steps([decided[place] for place in places], fingerprints, settings.run.reprocess)
            for place, call in zip(places, checked, strict=True):
                if decided[place].action is Action.UNCHANGED:
                    decided[place] = call
                elif call.action is Action.ANALYSE:
                    anyway += 1
    finally:
        worker.close()
    return decided, anyway


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
    shown = table("Plan")
    shown.add_column("what")
    shown.add_column("calls", justify="right")
    for action, number in sorted(Counter(call.action.value for call in plan.to_do).items()):
        shown.add_row(action, str(number))
    for name, number in (
        ("unchanged", plan.unchanged),
        ("undecided", len(plan.undecided)),
        ("quarantined", len(plan.quarantined)),
        ("skipped before", len(plan.skipped_before)),
        ("still being written", len(plan.waiting)),
        ("left by run.limit", plan.left),
    ):
        if number:
            shown.add_row(name, str(number))
    for reason, number in sorted(Counter(item.reason for item in plan.skipped).items()):
        shown.add_row(f"skipped: {reason}", str(number))
    for reason, number in sorted(ruled_out.items()):
        shown.add_row(f"would not be processed: {reason}", str(number))
    hours = sum(header.duration_s or 0.0 for header in headers) / 3600
    shown.caption = f"{hours:.2f} hours of recordings to read; {plan.found} found"
    return shown


def _estimates(headers: Sequence[AudioHeader], calls: int, past: History | None) -> list[str]:
    """From the last runs; nothing is made up where there are none."""
    audio_s = sum(header.duration_s or 0.0 for header in headers)
    lines = []
    if past is not None and past.audio_s and past.wall_s:
        speed = past.audio_s / past.wall_s
        lines.append(f"time: about {audio_s / speed / 60:.1f} min at the {speed:.1f} × real time of the last runs")
    else:
        lines.append("time: no finished run to estimate from yet")
    if past is not None and past.priced:
        each = past.cost_usd / past.priced
        lines.append(f"cost: about {each * calls:.2f} USD at {each:.4f} USD a call so far")
    else:
        lines.append("cost: no paid provider has been used so far")
    return lines
