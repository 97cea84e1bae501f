"""What the report asks the database."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from db.connection import Database

_QUALITY = """
    WITH done AS (SELECT *, coalesce(agent_words_per_minute * agent_talk_s, 0)
                          + coalesce(client_words_per_minute * client_talk_s, 0) AS words,
                          CASE WHEN agent_words_per_minute IS NULL THEN 0 ELSE agent_talk_s END
                          + CASE WHEN client_words_per_minute IS NULL THEN 0 ELSE client_talk_s END AS talk_s
                  FROM calls WHERE run_id = %s AND status = 'done')
    SELECT count(*), count(*) FILTER (WHERE coalesce(transcription, '') = ''),
           count(*) FILTER (WHERE talk_s > 0), avg(words / nullif(talk_s, 0)), var_samp(words / nullif(talk_s, 0))
    FROM done
"""
_LABELS = """
    SELECT {what}, count(*) FROM calls WHERE run_id = %s AND status = 'done' AND {what} IS NOT NULL
    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50
"""
_PARTS = """
    SELECT part.key, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY part.value::float8),
           percentile_cont(0.95) WITHIN GROUP (ORDER BY part.value::float8), sum(part.value::float8)
    FROM calls, jsonb_each_text(timings_s) AS part
    WHERE run_id = %s AND status = 'done' AND part.key LIKE '%%.%%' GROUP BY part.key ORDER BY 5 DESC
"""
_SERVICES = """
    SELECT step, coalesce(provider, 'none'), model, count(*), count(*) FILTER (WHERE state = 'failed'),
           sum(tokens_in), sum(tokens_out), sum(cost_usd), percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_s)
    FROM call_steps WHERE run_id = %s GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC
"""
_PASSED_OVER = """
    SELECT step, left(substring(reason FROM 'passed over: .*'), 300), count(*)
    FROM call_steps WHERE run_id = %s AND reason LIKE '%%passed over: %%'
    GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 20
"""
_EARLIER = """
    SELECT run_id::text, started_at::text, exit_code, counts, report->'quality', report->>'engine', report->>'model',
           (report->>'wall_s')::float8, (report->>'times_real_time')::float8
    FROM runs
    WHERE state = 'finished' AND run_id <> %s AND (report->'quality'->>'calls')::int > 0
      AND started_at < coalesce((SELECT started_at FROM runs WHERE run_id = %s), now())
    ORDER BY started_at DESC LIMIT %s
"""
_STORED = "SELECT report, exit_code, started_at::text, state FROM runs WHERE run_id = %s"
_NEWEST = "SELECT run_id::text FROM runs WHERE state <> 'running' ORDER BY started_at DESC LIMIT 1"


class Questions:
    """Answers about one run. Nothing here is anybody's words: labels, counts, seconds, reasons."""

    def __init__(self, database: Database, run_id: str) -> None:
        self._database = database
        self._id = uuid.UUID(run_id)

    def quality(self) -> dict[str, Any]:
        """What drift is looked for in: words per minute, calls without a word, labels of sentiment and topic."""
        calls, empty, spoken, mean, variance = self._ask(_QUALITY)[0]
        return {
            "calls": calls,
            "empty": empty,
            "words_per_minute": {"calls": spoken, "mean": mean, "variance": variance},
            "sentiment": dict(
                self._ask(_LABELS.format(what="coalesce(client_fusion_sentiment, unknown_fusion_sentiment)"))
            ),
            "topics": dict(self._ask(_LABELS.format(what="topic"))),
        }

    def parts(self) -> list[dict[str, Any]]:
        """Seconds of the parts of each stage."""
        names = ("part", "calls", "p50_s", "p95_s", "total_s")
        return [_rounded(dict(zip(names, row, strict=True))) for row in self._ask(_PARTS)]

    def services(self) -> list[dict[str, Any]]:
        """Calls, tokens and cost by analysis step, provider and model."""
        names = ("step", "provider", "model", "calls", "failed", "tokens_in", "tokens_out", "cost_usd", "p50_latency_s")
        return [_rounded(dict(zip(names, row, strict=True)), 6) for row in self._ask(_SERVICES)]

    def passed_over(self) -> list[dict[str, Any]]:
        """Language models that were passed over, and why."""
        names = ("step", "reason", "calls")
        return [dict(zip(names, row, strict=True)) for row in self._ask(_PASSED_OVER)]

    def earlier(self, most: int) -> list[dict[str, Any]]:
        """The last runs before this one that did something, newest first."""
        names = (
            "run_id",
            "started_at",
            "exit_code",
            "counts",
            "quality",
            "engine",
            "model",
            "wall_s",
            "times_real_time",
        )
        return [dict(zip(names, row, strict=True)) for row in self._ask(_EARLIER, self._id, most)]

    def _ask(self, query: str, *more: object) -> list[tuple[Any, ...]]:
        return ask(self._database, query, [self._id, *more])


def ask(database: Database, query: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
    """Rows of one question."""
    return database.patiently(lambda connection: connection.execute(query.encode(), parameters).fetchall())


def stored_report(database: Database, run_id: str | None) -> tuple[str, dict[str, Any]] | None:
    """A finished run's id and report; the newest for None. None when there is no such run."""
    if run_id is None:
        newest = ask(database, _NEWEST, [])
        if not newest:
            return None
        run_id = str(newest[0][0])
    try:
        rows = ask(database, _STORED, [uuid.UUID(run_id)])
    except ValueError:
        return None
    if not rows:
        return None
    report, exit_code, started_at, state = rows[0]
    return run_id, {
        **(report or {}),
        "run_id": run_id,
        "exit_code": exit_code,
        "started_at": started_at,
        "state": state,
    }


def _rounded(row: dict[str, Any], digits: int = 3) -> dict[str, Any]:
    return {key: round(value, digits) if isinstance(value, float) else value for key, value in row.items()}
