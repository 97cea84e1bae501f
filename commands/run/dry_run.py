"""`--dry-run`: what a run would do, how long it would take and cost. Writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from analysis.summary.templates import render_preview
from commands.console import Terminal, table
from commands.run.estimate import Sound, price_of, sound_of, suiting, time_by_trial, time_from
from commands.run.wiring import analysis_steps
from db.existing import ledger_if_any
from db.ledger.store import PostgresStore
from db.queries.runs import Cost, RunSpeed, cost_so_far, run_speeds
from pipeline.children.worker import Worker
from pipeline.config.loader import LoadedSettings
from pipeline.config.root import Settings
from pipeline.plurals import counted
from pipeline.run.planning.paired_files import pair_line, said_of_sides
from pipeline.run.planning.plan import Action, Plan
from pipeline.run.planning.planner import Planner, asked_of
from pipeline.run.planning.recipes import build_recipe
from pipeline.run.processes.analyser import build_analyser
from pipeline.sources.source import CallSource, build_source


@dataclass(frozen=True, slots=True)
class _Past:
    """What the ledger holds about earlier runs; empty before the first run."""

    speeds: Sequence[RunSpeed] = ()
    cost: Cost | None = None


def show_plan(loaded: LoadedSettings) -> int:
    """Print the plan; returns the exit code. Raises StartupError."""
    settings = loaded.settings
    source = build_source(settings.input)
    plan, past = _plan(settings, source)
    analysed_anyway = sum(call.steps is not None for call in plan.undecided)
    sound = sound_of(settings, source, [call.found for call in plan.to_do if call.action is not Action.ANALYSE])
    console = Terminal()
    console.print(_table(plan, sound))
    for line in (*said_of_sides(plan), *filter(None, [pair_line(plan)])):
        console.print(line)
    for line in [
        *_time(settings, sound, past),
        *price_of(settings.transcription, sound),
        _cost(len(plan.to_do) + analysed_anyway, past),
    ]:
        console.print(line)
    if plan.undecided:
        known = counted(len(plan.undecided), "known call was", "known calls were")
        console.print(
            f"{known} transcribed under other settings or by a fallback: which of them are redone depends on the "
            f"engine that loads today, which a dry run does not test; analysed again in any case: {analysed_anyway}"
        )
    _show_summary(console, settings)
    console.print("\nnothing was written")
    return 0


def _plan(settings: Settings, source: CallSource) -> tuple[Plan, _Past]:
    """Plan against the ledger, or against an empty one if no run has created the database or its tables yet."""
    analyser = Worker(
        "analysis", build_analyser, (analysis_steps, (settings,)), one_core=True, limit_key="run.analysis_timeout_s"
    )
    try:
        with ledger_if_any(settings.database) as database:
            planner = Planner(
                settings=settings.run,
                recipe=build_recipe(settings),
                store=None if database is None else PostgresStore(database),
                stale_steps=asked_of(analyser, settings.run.analysis_timeout_s),
            )
            plan = planner.plan(source.discover())
            return plan, _Past() if database is None else _Past(run_speeds(database), cost_so_far(database))
    finally:
        analyser.close()


def _table(plan: Plan, sound: Sound) -> Table:
    shown = table("Plan", ("what", "calls"), figures=True)
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
    for reason, number in sorted(sound.ruled_out.items()):
        shown.add_row(f"would not be processed: {reason}", str(number))
    hours = "an unknown length" if sound.audio_s is None else f"{sound.audio_s / 3600:.2f} hours"
    how = f" ({sound.how})" if sound.how else ""
    shown.caption = f"{hours} of recordings to read{how}; {plan.found} found"
    return shown


def _time(settings: Settings, sound: Sound, past: _Past) -> list[str]:
    if sound.audio_s is None:
        return ["time: not known, since the recordings' length is not"]
    if not sound.audio_s:
        return ["time: nothing is to be transcribed"]
    speeds = suiting(past.speeds, settings.transcription)
    return [time_from(speeds, sound.audio_s)] if speeds else time_by_trial(settings, sound)


def _cost(calls: int, past: _Past) -> str:
    """No figure is invented where nothing has been paid yet."""
    if past.cost is None or not past.cost.calls:
        return "cost: no paid provider has been used so far"
    each = past.cost.cost_usd / past.cost.calls
    return f"cost: about {each * calls:.2f} USD at {each:.4f} USD a call so far"


def _show_summary(console: Terminal, settings: Settings) -> None:
    """An example of the summaries that this configuration makes."""
    from analysis.llm.choice import build_router
    from analysis.steps import summaries_by_model

    router = build_router(settings.llm)
    by_model = summaries_by_model(settings, router.models if router else ())
    if router is not None:
        router.close()
    if not by_model:
        console.print("\na summary consists of lines from the call: this configuration uses no language model for it")
        return
    console.print(f"\na summary will look like this ({settings.summary.template}):\n", style="dim")
    console.print(render_preview(settings.summary))
