"""Writes ops/grafana.json (`python -m ops.grafana`): a table of panels is easier to keep than a thousand lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("grafana.json")
PROMETHEUS = {"type": "prometheus", "uid": "${prometheus}"}
POSTGRES = {"type": "grafana-postgresql-datasource", "uid": "${postgres}"}

METRICS = (
    # title, kind, unit, expression, legend
    ("Exit code of the last run", "stat", "none", "earshot_run_exit_code", ""),
    ("Hours since a run ended with 0", "stat", "h", "(time() - earshot_run_success_timestamp_seconds) / 3600", ""),
    ("Things to look at", "stat", "none", "earshot_run_attention", ""),
    ("Recordings offered and of these not usable", "timeseries", "none",
     '{__name__=~"earshot_run_offered|earshot_run_unusable"}', "{{__name__}}"),
    ("Counts add up", "stat", "bool_yes_no", "earshot_run_adds_up", ""),
    ("Recordings that disappeared", "stat", "none", "earshot_run_disappeared", ""),
    ("Calls by outcome", "timeseries", "none", 'earshot_run_calls{state!="found"}', "{{state}}"),
    ("× real time", "timeseries", "none", "earshot_run_times_real_time", ""),
    ("Seconds per call, p95", "timeseries", "s", 'earshot_stage_seconds{quantile="0.95"}', "{{stage}}"),
    ("How busy each stage is", "timeseries", "percentunit", "earshot_stage_busy_ratio", "{{stage}}"),
    ("Peak memory", "timeseries", "bytes", "earshot_run_peak_memory_bytes", ""),
    ("LLM cost of the last run", "timeseries", "currencyUSD", "earshot_llm_cost_usd", "{{step}} {{provider}}"),
    ("Trust gates and flags", "timeseries", "none", "earshot_segment_flags", "{{flag}}"),
    ("Drift against the last runs", "timeseries", "bool_yes_no", "earshot_drift", "{{what}}"),
)  # fmt: skip
TABLES = (
    # title, kind, format, query; views that hold nobody's words, readable by earshot_reader_no_text
    ("Calls a day", "timeseries", "time_series",
     "SELECT date_trunc('day', started_at) AS time, count(*) AS calls FROM calls_without_text "
     "WHERE $__timeFilter(started_at) GROUP BY 1 ORDER BY 1"),
    ("Sentiment of clients, share of calls a day", "timeseries", "time_series",
     "SELECT date_trunc('day', started_at) AS time, client_fusion_sentiment AS metric, "
     "count(*)::float / sum(count(*)) OVER (PARTITION BY date_trunc('day', started_at)) AS share "
     "FROM calls_without_text WHERE $__timeFilter(started_at) AND client_fusion_sentiment IS NOT NULL "
     "GROUP BY 1, 2 ORDER BY 1"),
    ("Topics", "barchart", "table",
     "SELECT topic, count(*) AS calls FROM calls_without_text WHERE $__timeFilter(started_at) AND topic IS NOT NULL "
     "GROUP BY 1 ORDER BY 2 DESC LIMIT 15"),
    ("Failed and quarantined calls", "table", "table",
     "SELECT error_type, error_stage, status, count(*) AS calls FROM calls_without_text "
     "WHERE error_type IS NOT NULL AND status <> 'skipped' GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 20"),
    ("Runs", "table", "table",
     "SELECT started_at, state, exit_code, host, (counts->>'done')::int AS done, (counts->>'failed')::int AS failed "
     "FROM runs_without_text ORDER BY started_at DESC LIMIT 20"),
)  # fmt: skip


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana imports it; it asks for its two data sources."""
    panels: list[dict[str, Any]] = []
    x = y = 0
    for title, kind, unit, expression, legend in METRICS:
        width, height = (6, 4) if kind == "stat" else (12, 8)
        panels.append({
            "id": len(panels) + 1, "title": title, "type": kind, "datasource": PROMETHEUS,
            "gridPos": {"x": x, "y": y, "w": width, "h": height},
            "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
            "targets": [{"refId": "A", "datasource": PROMETHEUS, "expr": expression, "legendFormat": legend or title}],
        })  # fmt: skip
        x, y = (x + width, y) if x + width < 24 else (0, y + height)
    for title, kind, shape, query in TABLES:
        panels.append({
            "id": len(panels) + 1, "title": title, "type": kind, "datasource": POSTGRES,
            "gridPos": {"x": x, "y": y, "w": 12, "h": 8},
            "fieldConfig": {"defaults": {}, "overrides": []},
            "targets": [
                {"refId": "A", "datasource": POSTGRES, "rawQuery": True, "editorMode": "code", "format": shape,
                 "rawSql": query}
            ],
        })  # fmt: skip
        x, y = (12, y) if x == 0 else (0, y + 8)
    return {
        "title": "Earshot",
        "uid": "earshot",
        "schemaVersion": 39,
        "editable": True,
        "time": {"from": "now-30d", "to": "now"},
        "templating": {
            "list": [
                {"name": "prometheus", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
                {"name": "postgres", "label": "PostgreSQL", "type": "datasource", "query": POSTGRES["type"]},
            ]
        },
        "panels": panels,
    }


if __name__ == "__main__":
    TARGET.write_text(json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
