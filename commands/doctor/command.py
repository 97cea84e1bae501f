"""`run.py doctor`: what is installed and usable here, why the rest is not, and how long a call takes."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from commands.console import Terminal, cell
from commands.doctor.diarisation import diarisation
from commands.doctor.engines import engines, first_on_disk, verdict
from commands.doctor.finding import Finding, State
from commands.doctor.machine import machine
from commands.doctor.providers import providers
from commands.doctor.question import ask_listed
from commands.doctor.sample_call import time_sample_call
from commands.doctor.services import database, destination, source
from commands.doctor.weights import weights
from commands.terminal import say_json
from pipeline.config.loader import load_exported
from pipeline.config.root import Settings

CANNOT_START = 3
_COLOURS = {State.OK: "green", State.NOTE: "dim", State.WARNING: "yellow", State.BROKEN: "red"}


def examine(config: Path, overrides: Sequence[str], as_json: bool) -> int:
    """Print what was found; 0 when a run could start, 3 when not. Raises ConfigurationError (exit 2).

    Nothing is downloaded, and nothing is written but weights out of packages that are installed. Language models that
    are listed are asked one question. The embedded server is started if it is not up, and stopped again when nobody
    else uses it.
    """
    began = time.monotonic()
    settings = load_exported(config, overrides).settings
    logging.getLogger().addHandler(logging.NullHandler())  # each finding appears once, in the answer
    findings = examination(settings, began)
    could_start = all(finding.state is not State.BROKEN for finding in findings)
    if as_json:
        answer = {
            "could_start": could_start,
            "seconds": round(time.monotonic() - began, 2),
            "findings": [asdict(finding) for finding in findings],
        }
        say_json(answer)
    else:
        show(findings, could_start, time.monotonic() - began)
    return 0 if could_start else CANNOT_START


def examination(settings: Settings, began: float) -> list[Finding]:
    """Every check, in the order in which a run needs the things checked. `began` is monotonic."""
    options = settings.reporting.doctor
    found = machine(settings)
    found.append(source(settings.input, options.probe_timeout_s))
    found.append(database(settings.database))
    found += destination(settings.output, options.probe_timeout_s)
    recognisers = engines(settings.transcription, options.probe_timeout_s)
    found += [*recognisers, *verdict(settings.transcription, recognisers)]
    found += weights(settings)
    found.append(diarisation(settings.diarisation))
    models = providers(settings.llm, options.probe_timeout_s)
    usable = [finding.name for finding in models if finding.state is State.OK]
    found += [*models, *ask_listed(settings.llm, usable, began + options.time_limit_s)]
    engine = first_on_disk(settings.transcription, recognisers)
    if engine is None:
        detail = "no engine has its weights on disk; the first run fetches them"
        found.append(Finding(area="test call", name="sample", state=State.NOTE, detail=detail))
    else:
        found += time_sample_call(settings, engine, began + options.time_limit_s)
    return found


def show(findings: Sequence[Finding], could_start: bool, seconds: float) -> None:
    """The table for people."""
    console = Terminal()
    shown = Table(box=None, pad_edge=False)
    for name in ("", "what", "state", "found"):
        shown.add_column(name, overflow="fold", no_wrap=name != "found")
    area = ""
    for finding in findings:
        state = cell(finding.state.value, _COLOURS[finding.state])
        shown.add_row(finding.area if finding.area != area else "", finding.name, state, cell(finding.detail))
        area = finding.area
    console.print(shown)
    verdict_text = cell("a run could start", "green") if could_start else cell("a run could not start", "red")
    console.print(verdict_text, f"(examined in {seconds:.0f} s)")
