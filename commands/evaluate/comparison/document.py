"""The report of a comparison as sections, what a manager decides on first. Markdown and HTML are drawn from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from commands.evaluate.comparison.changes import Change, changes
from commands.evaluate.comparison.decision import Decision, verdict
from commands.evaluate.comparison.figures import ComparedSystems, EffortFigures, SystemFigures
from commands.evaluate.comparison.systems import System
from pipeline.judging.scores import FIGURES
from pipeline.plurals import counted

_MOST_NOTICES = 10


@dataclass(frozen=True, slots=True)
class Table:
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    title: str
    text: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    table: Table | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it, ready to be written."""

    title: str
    when: str
    """UTC."""
    machine: str
    truth: str
    recordings: str
    recommendation: str
    sections: tuple[Section, ...]
    data: Mapping[str, Any]
    """The same for machines."""


def build_report(
    found: ComparedSystems,
    systems: Sequence[System],
    decision: Decision,
    *,
    when: str,
    machine: str,
    truth: str,
    recordings: str,
    stored_calls: int | None,
) -> Report:
    """Args: `stored_calls`: calls the database in use holds; None where there is none."""
    change = _change(systems, decision)
    with_examples = not any(system.settings.redaction.redact_stored for system in systems)
    sections = (
        Section(title="Recommendation", text=(decision.recommendation,), points=decision.reasons),
        *_optional("Trade-offs", decision.trade_offs),
        *_optional("Cautions", decision.cautions),
        _figures(found),
        *_differences(found),
        _effort(found),
        *_how_to_go_back(change, decision, found, stored_calls),
        *(_confusions(system, with_examples) for system in found.systems),
        _conditions(found, systems, when, machine, truth, recordings),
        *_left_out(found),
    )
    return Report(
        title=" against ".join(system.name for system in systems),
        when=when,
        machine=machine,
        truth=truth,
        recordings=recordings,
        recommendation=decision.recommendation,
        sections=sections,
        data=_data(found, decision, change, when=when, machine=machine, truth=truth, with_examples=with_examples),
    )


def _optional(title: str, points: Sequence[str]) -> Iterator[Section]:
    if points:
        yield Section(title=title, points=tuple(points))


def _figures(found: ComparedSystems) -> Section:
    rows = []
    for name, title in FIGURES.items():
        values = [system.figures[name] for system in found.systems]
        if any(values):
            rows.append((title, *("–" if value is None else str(value) for value in values)))
    missing = sorted({f"{FIGURES[name]}: {why}" for system in found.systems for name, why in system.reasons.items()})
    return Section(
        title="Figures",
        text=(
            f"{counted(len(found.calls), 'call')}, {found.words} words. In brackets the 95 % interval: bootstrap over "
            f"calls, seed {found.seed}. All text that is stored counts, flagged or not.",
        ),
        table=Table(("", *(system.name for system in found.systems)), tuple(rows)),
        points=tuple(missing),
    )


def _differences(found: ComparedSystems) -> Iterator[Section]:
    first, *others = found.systems
    for other in others:
        rows = [
            (title, verdict(value, name))
            for name, title in FIGURES.items()
            if (value := found.difference(other.name, first.name, name)) is not None
        ]
        yield Section(
            title=f"Difference: {other.name} less {first.name}",
            text=("Paired: the same calls are drawn for both.",),
            table=Table(("", "difference [95 % interval]"), tuple(rows)),
        )


def _effort(found: ComparedSystems) -> Section:
    efforts = [system.effort for system in found.systems]
    lines: tuple[tuple[str, Callable[[EffortFigures], str]], ...] = (
        ("calls measured", lambda effort: str(effort.calls)),
        ("recogniser, processor s per audio hour", lambda effort: _number(effort.processor_s_per_audio_hour, 0)),
        ("recogniser, processor seconds in all", lambda effort: _number(effort.processor_s, 1)),
        ("decoding and voice activity, processor seconds", lambda effort: _number(effort.other_processor_s, 1)),
        ("real-time factor, median", lambda effort: _number(effort.real_time_factor_p50, 3)),
        ("real-time factor, 95th percentile", lambda effort: _number(effort.real_time_factor_p95, 3)),
        ("peak memory, GB", lambda effort: _number(effort.peak_memory_bytes, 2, per=1e9)),
        ("cost per audio hour, US dollars", lambda effort: _number(effort.usd_per_audio_hour, 4)),
        ("measured", lambda effort: " to ".join(effort.made_between or ("–",))),
    )
    rows = tuple((title, *map(shown, efforts)) for title, shown in lines)
    without_price = any(effort.calls and effort.usd_per_audio_hour is None for effort in efforts)
    return Section(
        title="Effort",
        text=(
            "Calls went through each recogniser one after the other. Processor seconds hold on a busy machine too; "
            "real-time factors (wall seconds of recognition per second of call) rise with whatever else runs on it.",
        ),
        table=Table(("", *(s.name for s in found.systems)), rows),
        points=("No cost without a price: set reporting.machine_usd_per_hour, and usd_per_minute of a service.",)
        if without_price
        else (),
    )


def _change(systems: Sequence[System], decision: Decision) -> list[Change] | None:
    """From the configuration in use to the choice; None where they are the same."""
    if decision.choice is None or decision.choice == decision.in_use:
        return None
    settings = {system.name: system.settings for system in systems}
    assert decision.in_use is not None
    return changes(settings[decision.in_use], settings[decision.choice])


def _how_to_go_back(
    change: list[Change] | None, decision: Decision, found: ComparedSystems, stored_calls: int | None
) -> Iterator[Section]:
    if change is None:
        yield Section(
            title="How to go back",
            text=("Nothing is changed, so there is nothing to go back to. The comparison wrote to no database.",),
        )
        return
    before, after = (found.of(str(name)).path for name in (decision.in_use, decision.choice))
    points = [
        f"To change: run with --config {after}, or set the values below. To go back: --config {before}, or set them "
        "back.",
    ]
    if any(setting.transcribes_again for setting in change):
        hours = None if decision.choice is None else found.of(decision.choice).effort.processor_s_per_audio_hour
        stored = "the stored calls" if stored_calls is None else counted(stored_calls, "stored call")
        points.append(
            f"Stale after the change: transcripts of {stored}, and everything made from their words. The next run does "
            f"them again{'' if hours is None else f' ({hours:.0f} processor seconds per audio hour)'}."
        )
        points.append(
            f"Stale after going back: the transcripts made meanwhile. Those {decision.in_use} made before are kept "
            "beside the new ones and are used again without recognising; only the analysis is repeated."
        )
    else:
        points.append("No stored transcript becomes stale, in either direction.")
    rows = tuple(
        (setting.key, setting.before, setting.after, ", ".join(sorted(setting.results)) or "nothing stored")
        for setting in change
    )
    yield Section(
        title="How to change, and how to go back",
        points=tuple(points),
        table=Table(("setting", str(decision.in_use), str(decision.choice), "what it shapes"), rows),
    )


def _confusions(system: SystemFigures, with_examples: bool) -> Section:
    if not system.confusions:
        return Section(title=f"Worst confusions: {system.name}", text=("No errors.",))
    if not with_examples:
        return Section(title=f"Worst confusions: {system.name}", text=("Not shown: redaction.redact_stored is on.",))
    rows = tuple(
        (
            error.expected or "(nothing)", error.heard or "(nothing)", str(error.times), str(error.calls),
            f"{error.example_expected} → {error.example_heard} ({error.example_call})",
        )
        for error in system.confusions
    )  # fmt: skip
    return Section(
        title=f"Worst confusions: {system.name}",
        table=Table(("said", "heard", "times", "in calls", "for example"), rows),
    )


def _conditions(  # noqa: PLR0917
    found: ComparedSystems, systems: Sequence[System], when: str, machine: str, truth: str, recordings: str
) -> Section:
    languages = ", ".join(f"{code} ({calls})" for code, calls in sorted(found.languages.items()))
    points = [
        f"Machine: {machine}. Date: {when} UTC.",
        f"Recordings: {recordings}. Truth: {truth}. Texts were normalised for: {languages or 'no language'}.",
    ]
    for system, known in zip(systems, found.systems, strict=True):
        points.append(f"{system.name}: {system.what_it_is}; recogniser {'; '.join(known.recognisers) or 'none'}.")
        points += [f"{system.name}: {notice}" for notice in known.notices[:_MOST_NOTICES]]
    return Section(title="Conditions", points=tuple(points))


def _left_out(found: ComparedSystems) -> Iterator[Section]:
    if found.left_out:
        yield Section(
            title="Calls with truth that were not compared",
            table=Table(("call", "why"), tuple(found.left_out.items())),
        )


def _number(value: float | None, places: int, *, per: float = 1.0) -> str:
    return "–" if value is None else f"{value / per:.{places}f}"


def _data(
    found: ComparedSystems,
    decision: Decision,
    change: Sequence[Change] | None,
    *,
    when: str,
    machine: str,
    truth: str,
    with_examples: bool,
) -> dict[str, Any]:
    first = found.systems[0].name
    return {
        "made_at": when,
        "machine": machine,
        "truth": truth,
        "seed": found.seed,
        "calls": list(found.calls),
        "words": found.words,
        "languages": dict(found.languages),
        "left_out": dict(found.left_out),
        "decision": asdict(decision),
        "systems": [
            {
                "name": system.name,
                "path": system.path,
                "what_it_is": system.what_it_is,
                "recognisers": list(system.recognisers),
                "figures": {name: None if value is None else asdict(value) for name, value in system.figures.items()},
                "effort": asdict(system.effort),
                "confusions": [asdict(confusion) for confusion in system.confusions] if with_examples else None,
                "reused": system.reused,
                "failures": dict(system.failures),
                "missing": dict(system.reasons),
            }
            for system in found.systems
        ],
        "differences": {
            system.name: {
                name: None if value is None else {**asdict(value), "beyond_noise": value.beyond_noise}
                for name in FIGURES
                for value in [found.difference(system.name, first, name)]
            }
            for system in found.systems[1:]
        },
        "changes": None if change is None else [
            {"key": setting.key, "before": setting.before, "after": setting.after, "results": sorted(setting.results)}
            for setting in change
        ],
    }  # fmt: skip
