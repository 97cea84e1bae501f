"""The table at the end of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from commands.console import Terminal, cell, table
from commands.run.delivery import Delivered
from pipeline.plurals import counted
from pipeline.run.batch import BatchResult
from pipeline.run.planning.paired_files import pair_line
from pipeline.visible_text import one_line

_WIDE = 120
_SHOWN_UNUSABLE = 20
_MOODS = {"negative": "red", "neutral": "", "positive": "green"}
"""Label -> colour."""


def print_summary(console: Terminal, result: BatchResult, delivered: Delivered) -> None:
    """Calls with their topic and mood, the counts, what needs attention, and where the results are."""
    if delivered.rows:
        console.print(calls_table(delivered.rows, console.width, summaries=console.is_terminal))
        if delivered.results > len(delivered.rows):
            console.print(f"… and {delivered.results - len(delivered.rows)} more")
    counts = result.counts
    console.print(
        f"found {counts['found']} = " + " + ".join(f"{n} {name}" for name, n in counts.items() if name != "found")
    )
    in_two_files = pair_line(result.plan)
    if in_two_files is not None:
        console.print(in_two_files)
    report = delivered.report
    if result.planned_stop is not None:
        left = counted(result.counts["left"], "call is left", "calls are left")
        console.print(f"stopped as planned: {result.planned_stop}; {left} for the next run, see file_statuses_*.json")
    for line in [*engine_lines(report), *attention_lines(report)]:
        console.print(line, style="yellow")
    if report.get("times_real_time"):
        console.print(
            f"{report['audio_s'] / 60:.1f} min of calls in {report['wall_s']:.0f} s "
            f"({report['times_real_time']:.1f} × real time), recogniser {report['engine']}"
        )
    if report.get("transcription_billed_s"):
        console.print(_paid(report))
    for path in delivered.files:
        console.print(f"  {path}")
    if delivered.transcripts:
        folder = delivered.files[0].parent / "transcripts"
        console.print(f"  {folder}: {counted(delivered.transcripts, 'file')}")
    if delivered.uploaded:
        console.print(f"  {counted(delivered.uploaded, 'file')} uploaded to {delivered.uploaded_to}")
    console.print("  pages: python run.py view")
    console.print("  tables calls, chunks, runs: python run.py db shell")


def _paid(report: Mapping[str, Any]) -> str:
    """What transcription services charge."""
    minutes, cost = report["transcription_billed_s"] / 60, report["transcription_cost_usd"]
    told = "at an unknown price" if cost is None else f"{cost:.2f} USD"
    return f"transcription services: {minutes:.1f} min billed, {told}"


def engine_lines(report: Mapping[str, Any]) -> list[str]:
    """When and why another recogniser served, and how many calls each transcribed."""
    changes = report.get("engine_changes") or []
    if not changes:
        return []
    told = [f"{change['at']}: from {change['left']} to {change['now']}: {change['why']}" for change in changes]
    by = ", ".join(f"{counted(calls, 'call')} by {name}" for name, calls in report["calls_by_engine"].items())
    return [*told, f"transcribed: {by}; a later run redoes those of a fallback"]


def attention_lines(report: Mapping[str, Any]) -> list[str]:
    """What needs attention, and the first recordings that cannot be used, each with its reason."""
    lines = [f"attention: {line}" for line in report.get("attention") or []]
    if not lines:
        return []
    without_use = report["unusable"]
    shown = without_use["first"][:_SHOWN_UNUSABLE]
    lines += ["not usable:"] if shown else []
    lines += [f"  {one_line(recording['file_name'])}: {recording['reason']}" for recording in shown]
    if without_use["recordings"] > len(shown):
        lines.append(f"  and {without_use['recordings'] - len(shown):,} more: file_statuses_*.json names them")
    return lines


def calls_table(rows: Sequence[Mapping[str, Any]], width: int, *, summaries: bool) -> Table:
    """One line per call; missing values are shown as missing.

    `summaries`: where `width` (characters) allows, with the beginning of the summary. Not for a log: no words of calls
    are in logs.
    """
    shown = table("Calls")
    wide = summaries and width >= _WIDE
    widths = {"length": 6, "customer": 8, "agent": 8}
    left = max(40, min(width, _WIDE) - sum(widths.values()) - 17)
    shown.add_column("call", no_wrap=True, overflow="ellipsis", max_width=left * 3 // 5)
    shown.add_column("length", no_wrap=True, min_width=widths["length"], justify="right")
    shown.add_column("topic", no_wrap=True, overflow="ellipsis", max_width=left * 2 // 5)
    shown.add_column("customer", no_wrap=True, min_width=widths["customer"])
    shown.add_column("agent", no_wrap=True, min_width=widths["agent"])
    if wide:
        shown.add_column("summary", no_wrap=True)
    for row in rows:
        duration_s = row["duration_s"]
        cells: list[Text | str] = [
            cell(shortened(one_line(str(row["file_name"])), left * 3 // 5)),
            f"{duration_s:.0f} s" if isinstance(duration_s, int | float) else "–",
            cell(row["topics"] or None),
            *(
                cell(mood, _MOODS.get(str(mood), ""))
                for mood in (row["client_fusion_sentiment"], row["agent_fusion_sentiment"])
            ),
        ]
        summary = str(row["summary"] or "–").replace("\n", " · ")
        shown.add_row(*cells, *([cell(shortened(summary, width - _WIDE + 2, tail=0))] if wide else []))
    return shown


def shortened(text: str, length: int, tail: int = 16) -> str:
    """At most `length` characters, the middle left out, so that the end of a file name is still seen."""
    if len(text) <= length:
        return text
    tail = min(tail, length // 2)
    return f"{text[: length - tail - 1]}…{text[len(text) - tail :] if tail else ''}"
