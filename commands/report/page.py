"""The report as one HTML page that loads nothing: charts are inline SVG, the style sheet is inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from commands.report.charts import Line, bars_chart, lanes_chart, line_chart, scatter_chart
from commands.report.spans import STAGES
from db.export.files import write_whole
from pipeline.masking import masked
from pipeline.plurals import counted
from pipeline.visible_text import visible

TEMPLATES = Path(__file__).parent
COUNTS = ("found", "done", "unchanged", "failed", "skipped", "waiting", "quarantined", "left")
_GB = 1e9
_MORE_COLOURS = ("prepare", "recognise", "analyse", "store")


def page(report: Mapping[str, Any]) -> str:
    """HTML of a report, of whatever is in it: a run that could not start has little.

    Names are shown with their control characters and direction marks written out.
    """
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(num=shown_number, span=shown_seconds, share=shown_share, counted=counted)
    shown = environment.get_template("page.html.j2").render(
        report=report,
        charts=charts(report),
        figures=figures(report),
        stages=STAGES,
        counts=dict(in_order(report.get("counts") or {}, COUNTS)),
        queues=[name for name, _ in in_order((report.get("resources") or {}).get("queues") or {}, STAGES)],
    )
    return visible(masked(shown))


def in_order(values: Mapping[str, Any], order: Sequence[str]) -> list[tuple[str, Any]]:
    """Items in this order, others behind: JSON in the database keeps none."""
    return sorted(values.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order))


def write_page(path: Path, report: Mapping[str, Any]) -> Path:
    """Write the page, whole or not at all. Raises OutputUnavailable."""
    write_whole(path, page(report).encode())
    return path


def figures(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The numbers at the top."""
    counts = report.get("counts") or {}
    services = report.get("services") or []
    cost = [row["cost_usd"] for row in services if row["cost_usd"] is not None]
    tokens = [(row["tokens_in"] or 0) + (row["tokens_out"] or 0) for row in services if row["tokens_in"] is not None]
    peak = report.get("peak_memory_bytes")
    busy_s, span_s = report.get("recogniser_busy_s"), report.get("recogniser_span_s")
    return [
        ("calls done", shown_number(counts.get("done"))),
        ("failed", shown_number(counts.get("failed"))),
        ("recordings", shown_seconds(report.get("audio_s"))),
        ("in", shown_seconds(report.get("wall_s"))),
        ("× real time", shown_number(report.get("times_real_time"))),
        ("files an hour", shown_number(report.get("files_per_hour"))),
        ("recogniser idle", f"{100 * (1 - busy_s / span_s):.1f} %" if busy_s is not None and span_s else "–"),
        ("peak memory", f"{peak / _GB:.1f} GB" if peak else "–"),
        ("LLM tokens", shown_number(sum(tokens)) if tokens else "none"),
        ("LLM cost", f"{sum(cost):.2f} USD" if cost else "none"),
    ]


def charts(report: Mapping[str, Any]) -> dict[str, str | None]:
    """Chart by name; None where there is nothing to draw."""
    resources = report.get("resources") or {}
    at_s = resources.get("at_s") or []
    return {
        "timeline": _timeline(report.get("timeline") or {}),
        "queues": _queues(at_s, resources.get("queues") or {}),
        "factor": _factor(report.get("calls") or []),
        "memory": _memory(at_s, resources),
        "cpu": _cpu(at_s, resources),
        "accelerator": _accelerator(at_s, resources),
        "failures": _failures(report.get("failures") or []),
        "slowest": _slowest(report.get("slowest") or []),
    }


def _timeline(timeline: Mapping[str, Any]) -> str | None:
    lanes = [Line(stage, stage, values) for stage, values in in_order(timeline.get("stages") or {}, STAGES)]
    if not any(lane.values for lane in lanes):
        return None
    return lanes_chart("Calls under way in each stage over the run", timeline["bin_s"], lanes)


def _queues(at_s: list[float], queues: Mapping[str, list[float]]) -> str | None:
    if not at_s or not queues:
        return None
    lines = [
        Line(name, name if name in STAGES else _MORE_COLOURS[i % 4], v)
        for i, (name, v) in enumerate(in_order(queues, STAGES))
    ]
    return line_chart("Calls waiting before each stage over the run", at_s, lines, "calls waiting", steps=True)


def _factor(points: list[list[float]]) -> str | None:
    title = "Seconds of work per second of recording against the recording's length"
    return (
        scatter_chart(title, points, "length of the recording, minutes", "s of work per s of sound") if points else None
    )


def _memory(at_s: list[float], resources: Mapping[str, Any]) -> str | None:
    if not at_s:
        return None
    used = [value / _GB for value in resources["memory_bytes"]]
    limit = resources.get("memory_limit_bytes")
    lines = [Line("used", "recognise", used)]
    if limit and limit / _GB < 4 * max(used):  # a limit far above would flatten the line
        lines.append(Line("limit", "muted", [limit / _GB] * len(at_s), dashed=True))
    return line_chart("Memory of all processes of the run", at_s, lines, "memory, GB")


def _cpu(at_s: list[float], resources: Mapping[str, Any]) -> str | None:
    if not at_s:
        return None
    cores = [value / 100 for value in resources["cpu_percent"]]
    return line_chart(
        "Cores in use by all processes of the run", at_s, [Line("cores", "prepare", cores)], "cores in use"
    )


def _accelerator(at_s: list[float], resources: Mapping[str, Any]) -> str | None:
    held = {name: resources.get(key) for name, key in (("GPU", "gpu_memory_bytes"), ("MLX", "mlx_bytes"))}
    lines = [
        Line(name, css, [value / _GB for value in values])
        for (name, values), css in zip(held.items(), ("analyse", "store"), strict=True)
        if values
    ]
    return line_chart("Accelerator memory", at_s, lines, "memory, GB") if at_s and lines else None


def _failures(failures: list[Mapping[str, Any]]) -> str | None:
    rows = [(f"{row['error_type']} ({row['stage']}): {row['calls']}", [("bad", row["calls"])]) for row in failures[:10]]
    return bars_chart("Failed calls by type", rows, "calls") if rows else None


def _slowest(calls: list[Mapping[str, Any]]) -> str | None:
    rows = [(f"{call['file_name']}", in_order(call["stages"], STAGES)) for call in calls[:10]]
    return bars_chart("The slowest calls with the seconds of each stage", rows, "seconds of work") if rows else None


def shown_number(value: float | None) -> str:
    """With thousands separated; – for None."""
    if value is None:
        return "–"
    if isinstance(value, int) or float(value).is_integer():
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:,.1f}".replace(",", " ") if abs(value) >= 10 else f"{value:.3g}"


def shown_seconds(value: float | None) -> str:
    """Seconds in the unit a person would use."""
    if value is None:
        return "–"
    if value >= 3600:
        return f"{value / 3600:.1f} h"
    if value >= 120:
        return f"{value / 60:.1f} min"
    return f"{value:.1f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def shown_share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
