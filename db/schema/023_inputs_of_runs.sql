-- Runs over different inputs side by side: each run says which inputs it plans, and has a lock of its own.
ALTER TABLE runs ADD COLUMN inputs text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN runs.inputs IS 'Addresses of the folders, archives or buckets it plans; no two runs plan the same one at once.';

CREATE FUNCTION run_is_alive(run uuid) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN EXISTS (
        SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE l.locktype = 'advisory' AND d.datname = current_database() AND l.granted
            AND (l.classid::bigint << 32) + l.objid::bigint = hashtextextended('earshot run ' || run, 0));
COMMENT ON FUNCTION run_is_alive(uuid) IS 'Whether the process of a run holds its lock; a row of runs can say running for a run that was killed.';

CREATE INDEX claims_ended ON claims (run_id, done_at) WHERE done_at IS NOT NULL;
