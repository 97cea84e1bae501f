"""Metrics of the last run as a text file for Prometheus' node exporter; the dashboard is ops/grafana.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from commands.run.ending import Ending
from db.export.files import whole_file

_GAUGES = (
    ("wall_s", "earshot_run_seconds", "Wall clock of the run."),
    ("audio_s", "earshot_run_audio_seconds", "Length of the recordings worked on."),
    ("speech_s", "earshot_run_speech_seconds", "Speech in them, all channels together."),
    ("times_real_time", "earshot_run_times_real_time", "Seconds of recording per second of run."),
    ("peak_memory_bytes", "earshot_run_peak_memory_bytes", "Highest resident memory of all processes."),
    ("recogniser_busy_s", "earshot_run_recogniser_busy_seconds", "Time the recogniser had work."),
    ("recogniser_restarts", "earshot_run_recogniser_restarts", "Times the recogniser was killed or died."),
    ("startup_s", "earshot_run_startup_seconds", "Planning and loading models."),
)
_READABLE = 0o644
_SUCCESS = "earshot_run_success_timestamp_seconds"


def write_metrics(path: Path, end: Ending) -> None:
    """Whole or not at all, and readable by node exporter's account. Raises OutputUnavailable."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()

    def gauge(name: str, about: str, value: float) -> None:
        Gauge(name, about, registry=registry).set(value)

    gauge(
        "earshot_run_exit_code",
        "Exit code of the last run: 0 all done, 1 some calls failed, 5 attention.",
        end.exit_code,
    )
    gauge("earshot_run_started_timestamp_seconds", "When the last run began.", end.began_at.timestamp())
    gauge("earshot_run_ended_timestamp_seconds", "When it ended.", end.began_at.timestamp() + end.wall_s)
    ended = end.began_at.timestamp() + end.wall_s
    success = ended if end.exit_code == 0 else _last_success(path)
    if success is not None:
        gauge(_SUCCESS, "When a run last ended with 0.", success)
    if end.report.get("offered") is not None:
        gauge("earshot_run_offered", "Recordings the input offered.", end.report["offered"])
        gauge("earshot_run_unusable", "Of these, skipped or failed for good.", end.report["unusable"]["recordings"])
    if "attention" in end.report:
        gauge(
            "earshot_run_attention", "Things a person should look at, as in the report.", len(end.report["attention"])
        )
    if end.adds_up is not None:
        gauge("earshot_run_adds_up", "1 when found is the sum of all other counts.", end.adds_up)
    if end.counts:
        calls = Gauge(
            "earshot_run_calls", "Calls of the last run by what became of them.", ["state"], registry=registry
        )
        for state, number in end.counts.items():
            calls.labels(state).set(number)
    for key, name, about in _GAUGES:
        value = end.report.get(key)
        if isinstance(value, int | float):
            gauge(name, about, value)
    _by_stage_and_step(registry, end.report)
    _by_kind(registry, end.report)
    with whole_file(path) as aside:
        aside.write_bytes(generate_latest(registry))
        aside.chmod(_READABLE)  # under cron the umask would keep others out


def _last_success(path: Path) -> float | None:
    """The time in the previous file, because a failed run must not erase the time of the last good one."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return next((float(line.split()[1]) for line in lines if line.startswith(f"{_SUCCESS} ")), None)
    except (OSError, ValueError, IndexError):
        return None


def _by_stage_and_step(registry: Any, report: Any) -> None:
    from prometheus_client import Gauge

    if report.get("stages"):
        p50 = Gauge("earshot_stage_seconds", "Seconds per call.", ["stage", "quantile"], registry=registry)
        busy = Gauge(
            "earshot_stage_busy_ratio", "Share of time a stage's workers were busy.", ["stage"], registry=registry
        )
        for row in report["stages"]:
            busy.labels(row["stage"]).set(row["utilisation"])
            for key, quantile in (("p50_s", "0.5"), ("p95_s", "0.95")):
                if row[key] is not None:
                    p50.labels(row["stage"], quantile).set(row[key])
    if report.get("services"):
        tokens = Gauge("earshot_llm_tokens", "Tokens sent and received.", ["step", "provider"], registry=registry)
        cost = Gauge(
            "earshot_llm_cost_usd", "Cost where prices are configured.", ["step", "provider"], registry=registry
        )
        for row in report["services"]:
            if row["tokens_in"] is not None:
                tokens.labels(row["step"], row["provider"]).inc((row["tokens_in"] or 0) + (row["tokens_out"] or 0))
            if row["cost_usd"] is not None:
                cost.labels(row["step"], row["provider"]).inc(row["cost_usd"])


def _by_kind(registry: Any, report: Any) -> None:
    from prometheus_client import Gauge

    if report.get("segment_flags"):
        flags = Gauge("earshot_segment_flags", "Segments by trust gate or flag.", ["flag"], registry=registry)
        for flag, number in report["segment_flags"].items():
            flags.labels(flag).set(number)
    if (report.get("disappeared") or {}).get("calls") is not None:
        gone = Gauge("earshot_run_disappeared", "Known recordings no longer where they were.", registry=registry)
        gone.set(report["disappeared"]["calls"])
    tests = (report.get("comparison") or {}).get("tests")
    if tests:
        drift = Gauge("earshot_drift", "1 where this run is unlike the last ones.", ["what"], registry=registry)
        for test in tests:
            drift.labels(test["what"]).set(test["drift"])
