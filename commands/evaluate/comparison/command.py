"""`run.py evaluate compare`: systems on the same calls, and a report to decide on."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from commands.console import Terminal, cell, table
from commands.evaluate.comparison.decision import Decision, decide
from commands.evaluate.comparison.document import Report, build_report
from commands.evaluate.comparison.figures import ComparedSystems, compared, truths_of
from commands.evaluate.comparison.kept import KeptTranscripts
from commands.evaluate.comparison.pipeline_system import run_configuration
from commands.evaluate.comparison.plain_whisper import run_plain
from commands.evaluate.comparison.running import CallsWithTruth, SystemResult
from commands.evaluate.comparison.systems import System, chosen_systems
from commands.evaluate.comparison.writers import html, markdown
from commands.evaluate.transcripts import glossary_names
from commands.exit_codes import ExitCode
from commands.permissions import check_writable
from commands.run.logs import log_to
from commands.run.observer import ConsoleObserver
from commands.terminal import say_json
from db.existing import ledger_if_any
from db.export.files import write_whole
from db.ledger.store import PostgresStore
from db.queries.calls import transcribed_calls
from pipeline.config.areas.database import DatabaseSettings
from pipeline.config.areas.run import usable_cores
from pipeline.errors import ConfigurationError
from pipeline.judging.scores import FIGURES
from pipeline.judging.truth import open_truth
from pipeline.masking import masked_content
from pipeline.plurals import counted
from pipeline.records import FoundCall
from pipeline.sources.source import build_source

_EXAMPLES = 5


def compare_systems(
    names: Sequence[str],
    config: Path,
    overrides: Sequence[str],
    true: Path,
    *,
    input_path: str | None,
    output: Path | None,
    language: str | None,
    seed: int,
    fresh: bool,
    as_json: bool,
) -> ExitCode:
    """Run every system on the calls whose truth is known, judge, pair, write the report.

    Without `output` it goes to `output.directory` of the first configuration.

    Raises ConfigurationError (systems, truth, nothing that matches), StartupError (input, recogniser, output).
    """
    truth = open_truth(true)
    if input_path is None and truth.has_recordings:
        input_path = str(truth.path if truth.path.is_dir() else truth.path.parent)
    systems = chosen_systems(names, overrides, config, input_path)
    first = next((system for system in systems if not system.plain), systems[0]).settings
    truths = truths_of(truth)
    recordings = _recordings_with_truth(first.input.path, systems[0], frozenset(truths), true)
    output = output or first.output.directory
    stamp = datetime.now(UTC).strftime("%Y%m%d_%H%M%S")
    observer = ConsoleObserver()
    log_to(observer.console, output / "logs", stamp, first.reporting)
    for folder in (output, *(system.settings.run.spool_dir for system in systems)):
        check_writable(folder)
    kept = KeptTranscripts(output / "compared_transcripts")
    with observer:
        observer.planned(len(recordings) * len(systems), 0)
        results = {system.name: _run(system, recordings, kept, observer, fresh) for system in systems}
    kept.prune()
    found = compared(systems, results, truths, names=glossary_names(first), language=language, seed=seed)
    decision = decide(found, systems)
    report = build_report(
        found,
        systems,
        decision,
        when=datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        machine=machine(),
        truth=str(true),
        recordings=first.input.path,
        stored_calls=_stored_calls(first.database),
    )
    written = write_report(report, output, stamp)
    if as_json:
        say_json({**report.data, "files": [str(path) for path in written]})
    else:
        _show(found, decision, written)
    failed = any(result.failures for result in results.values())
    return ExitCode.CALLS_FAILED if failed or not found.calls else ExitCode.DONE


def _recordings_with_truth(path: str, system: System, known: frozenset[str], truth: Path) -> frozenset[str]:
    """Names both have. Raises ConfigurationError where there is none, InputUnavailable."""
    source = CallsWithTruth(build_source(system.settings.input), known)
    both = frozenset(source.name_of(call) for call in source.discover())
    if both:
        return both
    offered = {Path(call.file_name).stem for call in source.source.discover() if isinstance(call, FoundCall)}
    raise ConfigurationError(
        f"--truth {truth}: is not about the recordings in {path} (--input). A truth has the name of its recording; "
        f"there is truth for {_some(known)}, and there are recordings {_some(offered)}"
    )


def _some(names: Sequence[str] | frozenset[str] | set[str]) -> str:
    shown = sorted(names)[:_EXAMPLES]
    more = len(names) - len(shown)
    return (", ".join(shown) or "none") + (f" and {more} more" if more else "")


def _run(
    system: System, names: frozenset[str], kept: KeptTranscripts, observer: ConsoleObserver, fresh: bool
) -> SystemResult:
    observer.console.print(f"{system.name}: {system.what_it_is}")
    if system.plain:
        return run_plain(system.settings, names, kept, machine(), observer.call_finished, fresh)
    with ledger_if_any(system.settings.database) as database:
        stored = (lambda _: None) if database is None else PostgresStore(database).transcript
        return run_configuration(system.settings, names, kept, stored, machine(), observer.call_finished, fresh)


def _stored_calls(settings: DatabaseSettings) -> int | None:
    with ledger_if_any(settings) as database:
        return None if database is None else len(transcribed_calls(database))


def machine() -> str:
    """The machine of the figures, in a line."""
    import psutil

    cores = usable_cores()
    memory_gb = psutil.virtual_memory().total / 1e9
    return f"{_processor()}, {cores} cores, {memory_gb:.0f} GB, {platform.system()} {platform.machine()}"


def _processor() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def write_report(report: Report, output: Path, stamp: str) -> tuple[Path, Path, Path]:
    """Markdown, HTML and JSON. Raises OutputUnavailable."""
    paths = tuple(output / f"compare_{stamp}.{suffix}" for suffix in ("md", "html", "json"))
    data = json.dumps(masked_content(dict(report.data)), ensure_ascii=False, indent=1, default=str)
    for path, text in zip(paths, (markdown(report), html(report), data), strict=True):
        write_whole(path, (text + "\n").encode())
    return paths[0], paths[1], paths[2]


def _show(found: ComparedSystems, decision: Decision, written: Sequence[Path]) -> None:
    terminal = Terminal()
    systems = (cell(system.name) for system in found.systems)
    shown = table(f"{counted(len(found.calls), 'call')}, {found.words} words", ("", *systems))
    for name, title in FIGURES.items():
        values = [system.figures[name] for system in found.systems]
        if any(values):
            shown.add_row(title, *("–" if value is None else str(value) for value in values))
    shown.add_row(*_effort_row(found))
    terminal.print(shown)
    terminal.print(decision.recommendation, style="bold")
    for line in (*decision.reasons, *decision.trade_offs, *decision.cautions):
        terminal.print(f"- {line}")
    terminal.print("\n".join(str(path) for path in written))


def _effort_row(found: ComparedSystems) -> list[str]:
    seconds = [system.effort.processor_s_per_audio_hour for system in found.systems]
    return ["processor s per audio hour", *("–" if value is None else f"{value:.0f}" for value in seconds)]
