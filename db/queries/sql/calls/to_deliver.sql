-- Calls that a run completed, and those of earlier runs that ended without delivering them; oldest first.
WITH this AS (SELECT started_at FROM runs WHERE run_id = %(run_id)s::uuid),
     kept AS (SELECT r.run_id FROM runs r, this
              WHERE r.run_id = %(run_id)s::uuid OR (
                  r.state <> 'running' AND r.started_at <= this.started_at AND NOT r.report ? 'stamp'
                  AND NOT EXISTS (SELECT 1 FROM runs d
                                  WHERE d.report ? 'stamp' AND d.started_at < this.started_at
                                      AND d.started_at >= r.ended_at)))
SELECT call_id::text FROM calls
WHERE run_id IN (SELECT run_id FROM kept) AND status = 'done' AND error_type IS NULL
ORDER BY started_at NULLS LAST, source_uri
