-- Calls heard while they are held: what can be read of them until the ordinary rows of their recording are there.
CREATE TABLE live_calls (
    session          text PRIMARY KEY,
    started_at       timestamptz NOT NULL,
    file_name        text NOT NULL UNIQUE,
    roles            text[] NOT NULL,
    direction        text,
    agent_id         text,
    customer_segment text,
    queue            text,
    language         text,
    metadata         jsonb NOT NULL DEFAULT '{}',
    ended_at         timestamptz,
    end_reason       text,
    duration_s       double precision,
    topic            text,
    subtopic         text,
    summary          text,
    moods            jsonb NOT NULL DEFAULT '{}',
    missing_reasons  jsonb NOT NULL DEFAULT '{}',
    job              text,
    source_uri       text,
    call_id          uuid REFERENCES calls (call_id) ON DELETE CASCADE
);
CREATE INDEX live_calls_by_start ON live_calls (started_at);
CREATE INDEX live_calls_by_call ON live_calls (call_id);
COMMENT ON TABLE live_calls IS 'Calls heard while they are held. What was said and made of it is taken out in the transaction that stores the ordinary rows of the recording; the row stays and names the call.';
COMMENT ON COLUMN live_calls.session IS 'The session''s name, as its client has it.';
COMMENT ON COLUMN live_calls.started_at IS 'When it began.';
COMMENT ON COLUMN live_calls.file_name IS 'Name of its recording.';
COMMENT ON COLUMN live_calls.roles IS 'Who speaks on each track: agent, client, unknown.';
COMMENT ON COLUMN live_calls.direction IS 'inbound, outbound or internal, as the client says.';
COMMENT ON COLUMN live_calls.agent_id IS 'The agent, as the client says.';
COMMENT ON COLUMN live_calls.customer_segment IS 'b2b or b2c, as the client says.';
COMMENT ON COLUMN live_calls.queue IS 'The queue, as the client says.';
COMMENT ON COLUMN live_calls.language IS 'ISO 639-1, as the client says.';
COMMENT ON COLUMN live_calls.metadata IS 'What else the client says.';
COMMENT ON COLUMN live_calls.ended_at IS 'When it ended; NULL while it is held.';
COMMENT ON COLUMN live_calls.end_reason IS 'Why: stopped, lost, idle, silence, too_long, disk, shutdown, killed.';
COMMENT ON COLUMN live_calls.duration_s IS 'Length of the recording, in seconds.';
COMMENT ON COLUMN live_calls.topic IS 'Topic by the live turns.';
COMMENT ON COLUMN live_calls.subtopic IS 'Subtopic by the live turns.';
COMMENT ON COLUMN live_calls.summary IS 'Summary of the live turns.';
COMMENT ON COLUMN live_calls.moods IS 'Mood over the whole call, by role.';
COMMENT ON COLUMN live_calls.missing_reasons IS 'Why topic, summary or moods are missing, by step.';
COMMENT ON COLUMN live_calls.job IS 'Job under which the recording is processed.';
COMMENT ON COLUMN live_calls.source_uri IS 'Address of the recording among the calls.';
COMMENT ON COLUMN live_calls.call_id IS 'The call with the ordinary rows; NULL until there are any.';

CREATE TABLE live_turns (
    session            text NOT NULL REFERENCES live_calls (session) ON DELETE CASCADE,
    channel            integer NOT NULL,
    ordinal            integer NOT NULL,
    role               text NOT NULL,
    start_s            double precision NOT NULL,
    end_s              double precision NOT NULL,
    text               text NOT NULL,
    language           text,
    confidence         double precision,
    flags              text[] NOT NULL DEFAULT '{}',
    mood               text,
    mood_probabilities jsonb,
    mood_reason        text,
    PRIMARY KEY (session, channel, ordinal)
);
COMMENT ON TABLE live_turns IS 'Turns of live calls, until the ordinary rows of the recording are there.';
COMMENT ON COLUMN live_turns.session IS 'The live call.';
COMMENT ON COLUMN live_turns.channel IS 'Its track, from 0.';
COMMENT ON COLUMN live_turns.ordinal IS 'Number of the turn in its track, from 0.';
COMMENT ON COLUMN live_turns.role IS 'Who speaks: agent, client, unknown.';
COMMENT ON COLUMN live_turns.start_s IS 'Beginning, seconds from the first sample.';
COMMENT ON COLUMN live_turns.end_s IS 'End, seconds from the first sample.';
COMMENT ON COLUMN live_turns.text IS 'What was said.';
COMMENT ON COLUMN live_turns.language IS 'ISO 639-1, as heard.';
COMMENT ON COLUMN live_turns.confidence IS 'The recogniser''s own measure, 0..1.';
COMMENT ON COLUMN live_turns.flags IS 'Doubts about the words, as in chunks.';
COMMENT ON COLUMN live_turns.mood IS 'negative, neutral or positive, by the words.';
COMMENT ON COLUMN live_turns.mood_probabilities IS 'By label; they sum to 1.';
COMMENT ON COLUMN live_turns.mood_reason IS 'Why there is no mood.';
