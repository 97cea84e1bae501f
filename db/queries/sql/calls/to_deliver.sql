-- Calls that a run completed, and those of earlier runs that ended without delivering them; oldest first.
WITH this AS (SELECT started_at FROM runs WHERE run_id = %(run_id)s::uuid),
     delivered AS (SELECT max(r.started_at) AS last FROM runs r, this
                   WHERE r.started_at < this.started_at AND r.report ? 'stamp'),
     kept AS (SELECT r.run_id FROM runs r, this, delivered
              WHERE r.started_at <= this.started_at AND r.started_at > coalesce(delivered.last, '-infinity'))
SELECT call_id::text FROM calls
WHERE run_id IN (SELECT run_id FROM kept) AND status = 'done' AND error_type IS NULL
ORDER BY started_at NULLS LAST, source_uri
