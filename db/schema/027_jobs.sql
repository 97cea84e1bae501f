-- Calls handed in over HTTP: from the first byte to the end, with what its submitter asked for and was told.
CREATE TABLE jobs (
    job_id            uuid PRIMARY KEY,
    state             text NOT NULL
        CHECK (state IN ('receiving', 'fetching', 'accepted', 'queued', 'done', 'failed', 'skipped', 'cancelled')),
    submitted_by      text NOT NULL,
    idempotency_key   text,
    request_hash      text NOT NULL,
    file_name         text NOT NULL,
    recording_url     text,
    source_uri        text UNIQUE,
    size_bytes        bigint,
    recording_sha256  text,
    metadata          jsonb NOT NULL DEFAULT '{}',
    customer_segment  text,
    queue             text,
    priority          smallint NOT NULL DEFAULT 0,
    created_at        timestamptz NOT NULL DEFAULT now(),
    accepted_at       timestamptz,
    ended_at          timestamptz,
    call_id           uuid,
    reason            text,
    detail            text,
    stage             text,
    callback_url      text,
    callback_due_at   timestamptz,
    callback_attempts integer NOT NULL DEFAULT 0,
    callback_error    text,
    called_back_at    timestamptz,
    UNIQUE (submitted_by, idempotency_key)
);
CREATE INDEX jobs_under_way ON jobs (state, priority DESC, created_at) WHERE ended_at IS NULL;
CREATE INDEX jobs_by_age ON jobs (created_at DESC, job_id);
CREATE INDEX jobs_to_call_back ON jobs (callback_due_at) WHERE callback_due_at IS NOT NULL;
CREATE INDEX jobs_of_call ON jobs (call_id) WHERE call_id IS NOT NULL;

COMMENT ON TABLE jobs IS 'Calls handed in to the service. A job''s row goes with its call, or when it is old.';
COMMENT ON COLUMN jobs.job_id IS 'Identifies the job.';
COMMENT ON COLUMN jobs.state IS 'receiving (the upload is not complete), fetching (from its address), accepted (stored, to be planned), queued (planned: it has a claim), then done, failed, skipped or cancelled.';
COMMENT ON COLUMN jobs.submitted_by IS 'Name of the token that handed it in.';
COMMENT ON COLUMN jobs.idempotency_key IS 'Given by the submitter: the same key means the same job.';
COMMENT ON COLUMN jobs.request_hash IS 'Hash of what was asked for besides the recording itself.';
COMMENT ON COLUMN jobs.file_name IS 'Name of the recording.';
COMMENT ON COLUMN jobs.recording_url IS 'Address to fetch it from; NULL once it is here, since such addresses may hold keys.';
COMMENT ON COLUMN jobs.source_uri IS 'Address of the stored recording, as in calls.source_uri.';
COMMENT ON COLUMN jobs.size_bytes IS 'Size of the recording; of an upload under way the size announced, if any.';
COMMENT ON COLUMN jobs.recording_sha256 IS 'SHA-256 of the stored recording.';
COMMENT ON COLUMN jobs.metadata IS 'What the submitter says of the call.';
COMMENT ON COLUMN jobs.customer_segment IS 'b2b or b2c, as the submitter says: for row scopes.';
COMMENT ON COLUMN jobs.queue IS 'Queue, as the submitter says: for row scopes.';
COMMENT ON COLUMN jobs.priority IS 'Higher comes first; above 0 it overtakes calls under way.';
COMMENT ON COLUMN jobs.created_at IS 'When its submission began.';
COMMENT ON COLUMN jobs.accepted_at IS 'When its recording was stored.';
COMMENT ON COLUMN jobs.ended_at IS 'When it was done, failed, skipped or cancelled.';
COMMENT ON COLUMN jobs.call_id IS 'The call it became.';
COMMENT ON COLUMN jobs.reason IS 'Why it failed or was skipped, in one word for machines.';
COMMENT ON COLUMN jobs.detail IS 'The same in words for a person.';
COMMENT ON COLUMN jobs.stage IS 'Stage that its events tell of last.';
COMMENT ON COLUMN jobs.callback_url IS 'Address told of its end.';
COMMENT ON COLUMN jobs.callback_due_at IS 'When that address is told next; NULL when nothing is to be told.';
COMMENT ON COLUMN jobs.callback_attempts IS 'How often it was tried.';
COMMENT ON COLUMN jobs.callback_error IS 'Why the last try failed.';
COMMENT ON COLUMN jobs.called_back_at IS 'When the address took it.';

CREATE TABLE job_events (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id   uuid NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
    at       timestamptz NOT NULL DEFAULT now(),
    kind     text NOT NULL,
    stage    text
);
CREATE INDEX job_events_of_job ON job_events (job_id, event_id);
COMMENT ON TABLE job_events IS 'What happened to a job, for those who follow it.';
COMMENT ON COLUMN job_events.event_id IS 'Grows with each event: followers go on after the last one they saw.';
COMMENT ON COLUMN job_events.job_id IS 'The job.';
COMMENT ON COLUMN job_events.at IS 'When.';
COMMENT ON COLUMN job_events.kind IS 'The state it came into, or stage.';
COMMENT ON COLUMN job_events.stage IS 'For the kind stage: fetch, prepare, recognise, analyse or store.';

ALTER TABLE claims ADD COLUMN stage text, ADD COLUMN stage_share real, ADD COLUMN audio_s real;
COMMENT ON COLUMN claims.stage IS 'Where its worker is with it: fetch, prepare, recognise, analyse or store; told every few seconds.';
COMMENT ON COLUMN claims.stage_share IS 'How much of that stage is done, 0..1; NULL where that is not known.';
COMMENT ON COLUMN claims.audio_s IS 'Length of the recording, once a worker knows it.';
