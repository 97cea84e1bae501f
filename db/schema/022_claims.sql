-- Calls to be done, from the plan of a run until its end: which worker has which, and until when.
CREATE SEQUENCE claim_fences;
CREATE TABLE claims (
    claim_id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id             uuid NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
    source_uri         text NOT NULL,
    configuration_hash text NOT NULL,
    priority           smallint NOT NULL DEFAULT 0,
    call               json NOT NULL,
    enqueued_at        timestamptz NOT NULL DEFAULT now(),
    attempts           smallint NOT NULL DEFAULT 0,
    worker             text,
    lease_until        timestamptz,
    fence              bigint,
    done_at            timestamptz,
    outcome            json
);
CREATE UNIQUE INDEX claims_open_address ON claims (source_uri) WHERE done_at IS NULL;
CREATE INDEX claims_to_do_of_run ON claims (run_id, priority DESC, claim_id) WHERE done_at IS NULL;
CREATE INDEX claims_to_do ON claims (configuration_hash, priority DESC, claim_id) WHERE done_at IS NULL;

COMMENT ON TABLE claims IS 'Calls that runs under way have to do, and which worker has which. A run''s rows go when it ends.';
COMMENT ON COLUMN claims.claim_id IS 'Grows in the order asked for.';
COMMENT ON COLUMN claims.run_id IS 'The run that planned the call; calls.run_id when it is done.';
COMMENT ON COLUMN claims.source_uri IS 'Address of the recording; in the hands of one run at a time.';
COMMENT ON COLUMN claims.configuration_hash IS 'Hash of the settings that change results: a worker with other settings leaves it alone.';
COMMENT ON COLUMN claims.priority IS 'Higher comes first; then the order asked for.';
COMMENT ON COLUMN claims.call IS 'What was planned for it, as a worker needs it.';
COMMENT ON COLUMN claims.enqueued_at IS 'When it was planned.';
COMMENT ON COLUMN claims.attempts IS 'How often a worker has claimed it.';
COMMENT ON COLUMN claims.worker IS 'Who has it: machine, process id and a mark of its own; NULL where it is free.';
COMMENT ON COLUMN claims.lease_until IS 'Until when; then anybody may claim it. Renewed while its worker lives.';
COMMENT ON COLUMN claims.fence IS 'Grows with every claim in the database. Results are stored only under the newest fence of a call.';
COMMENT ON COLUMN claims.done_at IS 'When its result was stored, in the same transaction.';
COMMENT ON COLUMN claims.outcome IS 'What became of it, for the account of its run.';
