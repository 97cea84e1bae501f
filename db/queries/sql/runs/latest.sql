-- The newest runs, newest first. `alive`: whether somebody holds the run's lock; a row can say `running` for a run
-- that was killed.
SELECT run_id::text, state, started_at, heartbeat_at, ended_at, host, configuration_hash, exit_code, counts, progress,
       report,
       state = 'running' AND EXISTS (
           SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
           WHERE l.locktype = 'advisory' AND d.datname = current_database() AND l.granted
               AND l.classid::bigint = %(key_high)s AND l.objid::bigint = %(key_low)s) AS alive
FROM runs ORDER BY started_at DESC LIMIT %(limit)s
