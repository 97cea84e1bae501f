"""Workers that give signs of life, and the sums of what all workers have ever done: tables `workers`, `work_totals`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from db.ledger.values import json_parameter
from db.records import adapter
from pipeline.presence import WorkerReport

if TYPE_CHECKING:
    from psycopg import Connection

_KEEP_DAYS = 1
_FORGET = "DELETE FROM workers WHERE heartbeat_at < now() - make_interval(days => %s)"
_PRESENT = """
    WITH before AS (SELECT totals FROM workers WHERE worker = %(worker)s FOR UPDATE),
    told AS (
        INSERT INTO workers (worker, host, configuration_hash, heartbeat_at, ended_at, engine, model, demonstration,
                             passed_over, providers, trouble, totals)
        VALUES (%(worker)s, %(host)s, %(hash)s, now(), CASE WHEN %(leaving)s THEN now() END, %(engine)s, %(model)s,
                %(demonstration)s, %(passed_over)s, %(providers)s, %(trouble)s, %(totals)s)
        ON CONFLICT (worker) DO UPDATE SET
            heartbeat_at = EXCLUDED.heartbeat_at, ended_at = EXCLUDED.ended_at, engine = EXCLUDED.engine,
            model = EXCLUDED.model, demonstration = EXCLUDED.demonstration, passed_over = EXCLUDED.passed_over,
            providers = EXCLUDED.providers, trouble = EXCLUDED.trouble, totals = EXCLUDED.totals)
    INSERT INTO work_totals AS t (name, value)
    SELECT key, value::double precision - COALESCE((SELECT (before.totals ->> key)::double precision FROM before), 0)
    FROM jsonb_each_text(%(totals)s::jsonb) ORDER BY key
    ON CONFLICT (name) DO UPDATE SET value = t.value + EXCLUDED.value
"""


def present(
    connection: Connection[Any], worker: str, host: str, configuration_hash: str, report: WorkerReport, *, leaving: bool
) -> None:
    """A sign of life. Safe to repeat: what was counted before is not counted again."""
    values = adapter(WorkerReport).dump_python(report, mode="json")
    connection.execute(
        _PRESENT,
        {
            **values,
            "providers": json_parameter(values["providers"]),
            "totals": json_parameter(values["totals"]),
            "worker": worker,
            "host": host,
            "hash": configuration_hash,
            "leaving": leaving,
        },
    )
    connection.execute(_FORGET, [_KEEP_DAYS])
