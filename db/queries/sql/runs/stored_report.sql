-- A run and its report: the one named, or the newest that has ended.
SELECT run_id::text, report, exit_code, started_at::text, state FROM runs
WHERE CASE WHEN %(run_id)s::uuid IS NULL THEN state <> 'running' ELSE run_id = %(run_id)s END
ORDER BY started_at DESC LIMIT 1
