-- One row per run: when, where, by which configuration, with what result.
CREATE TABLE runs (
    run_id             uuid PRIMARY KEY,
    state              text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'finished', 'crashed')),
    started_at         timestamptz NOT NULL DEFAULT now(),
    heartbeat_at       timestamptz NOT NULL DEFAULT now(),
    ended_at           timestamptz,
    host               text NOT NULL,
    configuration_hash text NOT NULL,
    configuration      jsonb NOT NULL,
    exit_code          smallint,
    counts             jsonb NOT NULL DEFAULT '{}',
    progress           jsonb NOT NULL DEFAULT '{}',
    report             jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX runs_by_start ON runs (started_at DESC);

COMMENT ON TABLE runs IS 'One row per run.';
COMMENT ON COLUMN runs.run_id IS 'Identifies the run; stands in its log lines and in calls.run_id.';
COMMENT ON COLUMN runs.state IS 'running, finished (with exit_code), or crashed (found dead by a later run).';
COMMENT ON COLUMN runs.started_at IS 'When the run took the lock.';
COMMENT ON COLUMN runs.heartbeat_at IS 'Last sign of life.';
COMMENT ON COLUMN runs.ended_at IS 'When it ended; for a crashed run its last sign of life; NULL while it runs.';
COMMENT ON COLUMN runs.host IS 'Name of the machine it ran on.';
COMMENT ON COLUMN runs.configuration_hash IS 'Hash of the configuration, for telling equal ones.';
COMMENT ON COLUMN runs.configuration IS 'The whole configuration, without secrets.';
COMMENT ON COLUMN runs.exit_code IS 'Exit code of the command: 0 all done, 1 some calls failed, 130 interrupted; NULL unless finished.';
COMMENT ON COLUMN runs.counts IS 'Reconciliation: found, done, unchanged, failed, skipped, waiting, quarantined.';
COMMENT ON COLUMN runs.progress IS 'What `run.py status` shows while the run goes on.';
COMMENT ON COLUMN runs.report IS 'Content of performance_report_*.json.';
