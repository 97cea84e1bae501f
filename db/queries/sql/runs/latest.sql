-- The newest runs, newest first. `alive`: whether the run's process holds its lock; a row can say `running` for a run
-- that was killed.
SELECT run_id::text, state, started_at, heartbeat_at, ended_at, host, configuration_hash, exit_code, counts, progress,
       report, state = 'running' AND run_is_alive(run_id) AS alive
FROM runs ORDER BY started_at DESC LIMIT %(limit)s
