-- Who may use the service, who is logged in to its pages, and who read which call.
CREATE TABLE access_tokens (
    token_id text PRIMARY KEY CHECK (token_id ~ '^[a-z2-7]{8}$'),
    name text NOT NULL CHECK (name <> ''),
    secret_sha256 bytea NOT NULL CHECK (length(secret_sha256) = 32),
    scopes text[] NOT NULL CHECK (scopes <> '{}' AND scopes <@ ARRAY['submit', 'read_without_text', 'read', 'admin']),
    segments text[],
    queues text[],
    note text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    last_used_from text
);
CREATE UNIQUE INDEX access_tokens_name ON access_tokens (name) WHERE revoked_at IS NULL;
COMMENT ON TABLE access_tokens IS 'Tokens of the service (run.py tokens). A token is shown once, when it is made; what is kept does not give it back.';
COMMENT ON COLUMN access_tokens.token_id IS 'The part of the token that is no secret, by which it is found and named.';
COMMENT ON COLUMN access_tokens.name IS 'Who or what uses it; unique among tokens that are not revoked.';
COMMENT ON COLUMN access_tokens.secret_sha256 IS 'SHA-256 of the whole token, which has 256 random bits.';
COMMENT ON COLUMN access_tokens.scopes IS 'What it may do: submit, read_without_text, read, admin.';
COMMENT ON COLUMN access_tokens.segments IS 'Customer segments whose calls it may see; NULL for all.';
COMMENT ON COLUMN access_tokens.queues IS 'Queues whose calls it may see; NULL for all. With segments, both must fit.';
COMMENT ON COLUMN access_tokens.note IS 'What it is for.';
COMMENT ON COLUMN access_tokens.created_at IS 'When it was made.';
COMMENT ON COLUMN access_tokens.expires_at IS 'When it ends; NULL for never.';
COMMENT ON COLUMN access_tokens.revoked_at IS 'When it was revoked; NULL while it is good.';
COMMENT ON COLUMN access_tokens.last_used_at IS 'When it was used last, to the minute.';
COMMENT ON COLUMN access_tokens.last_used_from IS 'Address it was used from then.';

CREATE TABLE access_sessions (
    session_sha256 bytea PRIMARY KEY CHECK (length(session_sha256) = 32),
    token_id text REFERENCES access_tokens ON DELETE CASCADE,
    principal jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    CHECK ((token_id IS NULL) <> (principal IS NULL))
);
CREATE INDEX access_sessions_expires_at ON access_sessions (expires_at);
COMMENT ON TABLE access_sessions IS 'Logins to the pages. They end with their token.';
COMMENT ON COLUMN access_sessions.session_sha256 IS 'SHA-256 of the random value in the cookie.';
COMMENT ON COLUMN access_sessions.token_id IS 'Token that was used to log in; NULL where it was a JWT.';
COMMENT ON COLUMN access_sessions.principal IS 'For a JWT: name, scopes, segments and queues that it gave.';
COMMENT ON COLUMN access_sessions.created_at IS 'When the login was.';
COMMENT ON COLUMN access_sessions.expires_at IS 'When it ends.';

CREATE TABLE call_reads (
    read_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    read_at timestamptz NOT NULL DEFAULT now(),
    reader text NOT NULL,
    credential text NOT NULL,
    what text NOT NULL,
    call_id uuid,
    live_session text,
    address text,
    CHECK (num_nonnulls(call_id, live_session) = 1)
);
CREATE INDEX call_reads_of_call ON call_reads (call_id, read_at);
CREATE INDEX call_reads_of_reader ON call_reads (reader, read_at);
CREATE INDEX call_reads_read_at ON call_reads (read_at);
COMMENT ON TABLE call_reads IS 'Who read or heard which call through the service, and when. Written before the answer is sent. Rows outlive the call they name and hold none of its words.';
COMMENT ON COLUMN call_reads.read_id IS 'Number of the row.';
COMMENT ON COLUMN call_reads.read_at IS 'When.';
COMMENT ON COLUMN call_reads.reader IS 'Name of the token, or of the one a JWT names; local for somebody at this machine.';
COMMENT ON COLUMN call_reads.credential IS 'token with its token_id, jwt, or local.';
COMMENT ON COLUMN call_reads.what IS 'How: page, audio, api, export, search, ask, live.';
COMMENT ON COLUMN call_reads.call_id IS 'The call; NULL for one that was heard while it was held.';
COMMENT ON COLUMN call_reads.live_session IS 'The session of a call that was heard while it was held (live_calls.session).';
COMMENT ON COLUMN call_reads.address IS 'Address the question came from.';

-- Columns without words that came after these views.
CREATE OR REPLACE VIEW calls_without_text AS
SELECT
    call_id, source_uri, file_name, audio_sha256, source_size_bytes, source_modified_at, etag, started_at,
    duration_s, channels, sample_rate_hz, container, codec, direction, agent_id, customer_segment, queue,
    related_call, extension, language, flags, status, error_type, error_stage, error_transient, failed_runs,
    agent_text_sentiment, agent_text_confidence, agent_text_probabilities, agent_acoustic_sentiment,
    agent_acoustic_confidence, agent_acoustic_probabilities, agent_fusion_sentiment, agent_fusion_confidence,
    agent_fusion_probabilities, client_text_sentiment, client_text_confidence, client_text_probabilities,
    client_acoustic_sentiment, client_acoustic_confidence, client_acoustic_probabilities, client_fusion_sentiment,
    client_fusion_confidence, client_fusion_probabilities, unknown_text_sentiment, unknown_text_confidence,
    unknown_text_probabilities, unknown_acoustic_sentiment, unknown_acoustic_confidence,
    unknown_acoustic_probabilities, unknown_fusion_sentiment, unknown_fusion_confidence,
    unknown_fusion_probabilities, sentiment_trends, mood_turned_by, mood_turned_at_s, topic, subtopic,
    topic_confidence, topic_catalogue, topic_glossary_hash, agent_talk_s, client_talk_s, agent_talk_share,
    client_talk_share, silence_s, silence_share, longest_silence_s, overtalk_s, agent_interruptions,
    client_interruptions, turns, agent_words_per_minute, client_words_per_minute, agent_longest_turn_s,
    client_longest_turn_s, first_response_s, conversation_extra, asr_engine, asr_model, asr_revision,
    asr_demonstration, asr_passed_over, llm_provider, llm_model, transcript_fingerprint, timings_s, run_id,
    processed_at, delivered_at, delivered_run_id,
    second_topic, second_subtopic, second_topic_confidence, attention_weight, attention_critical, summary_check,
    mood_turned_to, mood_turned_line, conversation_trends
FROM calls;
DO $do$
DECLARE item record;
BEGIN
    FOR item IN
        SELECT attname AS name, col_description('calls'::regclass, below.attnum) AS text
        FROM pg_attribute below WHERE attrelid = 'calls'::regclass AND attname IN (
            'second_topic', 'second_subtopic', 'second_topic_confidence', 'attention_weight', 'attention_critical',
            'summary_check', 'mood_turned_to', 'mood_turned_line', 'conversation_trends')
    LOOP
        EXECUTE format('COMMENT ON COLUMN calls_without_text.%I IS %L', item.name, item.text);
    END LOOP;
END
$do$;
