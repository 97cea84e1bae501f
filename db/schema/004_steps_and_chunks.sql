-- What each analysis step said of each call, and the sentiment of each chunk.
CREATE TABLE call_steps (
    call_id     uuid NOT NULL REFERENCES calls (call_id) ON DELETE CASCADE,
    step        text NOT NULL,
    fingerprint text NOT NULL,
    state       text NOT NULL CHECK (state IN ('done', 'missing', 'failed')),
    reason      text,
    attempts    integer NOT NULL,
    provider    text,
    model       text,
    tokens_in   integer,
    tokens_out  integer,
    cost_usd    double precision,
    latency_s   double precision,
    payload     jsonb,
    run_id      uuid REFERENCES runs (run_id),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (call_id, step)
);
COMMENT ON TABLE call_steps IS 'One row per call and analysis step (text, acoustic, fusion, topic, summary, conversation).';
COMMENT ON COLUMN call_steps.fingerprint IS 'Hash of what the step read and how; another one means that it is to be done again.';
COMMENT ON COLUMN call_steps.state IS 'done, missing (no value by nature, see reason) or failed (a later run tries again).';
COMMENT ON COLUMN call_steps.reason IS 'Why there is no value, or only part of one.';
COMMENT ON COLUMN call_steps.attempts IS 'Tries with this fingerprint.';
COMMENT ON COLUMN call_steps.cost_usd IS 'What the provider charged, in US dollars; NULL for local ones.';
COMMENT ON COLUMN call_steps.latency_s IS 'Wall seconds of the step.';
COMMENT ON COLUMN call_steps.payload IS 'The step''s whole answer; NULL unless done.';

CREATE TABLE chunk_sentiments (
    call_id uuid NOT NULL REFERENCES calls (call_id) ON DELETE CASCADE,
    transcript_fingerprint text NOT NULL REFERENCES transcripts (fingerprint) ON DELETE CASCADE,
    channel smallint NOT NULL,
    ordinal integer NOT NULL,
    text_negative double precision,
    text_neutral double precision,
    text_positive double precision,
    text_reason text,
    acoustic_negative double precision,
    acoustic_neutral double precision,
    acoustic_positive double precision,
    acoustic_reason text,
    fusion_negative double precision,
    fusion_neutral double precision,
    fusion_positive double precision,
    fusion_reason text,
    PRIMARY KEY (call_id, channel, ordinal)
);
COMMENT ON TABLE chunk_sentiments IS 'Sentiment of each chunk by step; the view chunks shows them with label and confidence.';

-- The label is the argmax; on a tie the milder one: neutral, then negative (as analysis.records.Sentiment).
CREATE FUNCTION sentiment_label(negative double precision, neutral double precision, positive double precision)
    RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN negative IS NULL THEN NULL
        WHEN neutral >= negative AND neutral >= positive THEN 'neutral'
        WHEN negative >= positive THEN 'negative'
        ELSE 'positive'
    END;
CREATE FUNCTION sentiment_probabilities(negative double precision, neutral double precision, positive double precision)
    RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN negative IS NULL THEN NULL
        ELSE jsonb_build_object('negative', negative, 'neutral', neutral, 'positive', positive) END;

CREATE VIEW chunks AS
SELECT
    c.call_id, t.channel, t.ordinal, t.role, t.start_s, t.end_s, t.text, t.words, t.confidence, t.language, t.flags,
    sentiment_label(s.text_negative, s.text_neutral, s.text_positive) AS text_sentiment,
    greatest(s.text_negative, s.text_neutral, s.text_positive) AS text_confidence,
    sentiment_probabilities(s.text_negative, s.text_neutral, s.text_positive) AS text_probabilities,
    s.text_reason,
    sentiment_label(s.acoustic_negative, s.acoustic_neutral, s.acoustic_positive) AS acoustic_sentiment,
    greatest(s.acoustic_negative, s.acoustic_neutral, s.acoustic_positive) AS acoustic_confidence,
    sentiment_probabilities(s.acoustic_negative, s.acoustic_neutral, s.acoustic_positive) AS acoustic_probabilities,
    s.acoustic_reason,
    sentiment_label(s.fusion_negative, s.fusion_neutral, s.fusion_positive) AS fusion_sentiment,
    greatest(s.fusion_negative, s.fusion_neutral, s.fusion_positive) AS fusion_confidence,
    sentiment_probabilities(s.fusion_negative, s.fusion_neutral, s.fusion_positive) AS fusion_probabilities,
    s.fusion_reason,
    t.search
FROM calls c
JOIN transcript_chunks t ON t.transcript_fingerprint = c.transcript_fingerprint
LEFT JOIN chunk_sentiments s
    ON s.call_id = c.call_id AND s.channel = t.channel AND s.ordinal = t.ordinal
    AND s.transcript_fingerprint = c.transcript_fingerprint;

COMMENT ON VIEW chunks IS 'Stretches of speech of each call''s current transcript, with their sentiment.';
COMMENT ON COLUMN chunks.call_id IS 'Call it belongs to.';
COMMENT ON COLUMN chunks.channel IS 'Channel of the recording, from 0.';
COMMENT ON COLUMN chunks.ordinal IS 'Place within the channel, from 0 in time order.';
COMMENT ON COLUMN chunks.role IS 'Who speaks: agent, client or unknown.';
COMMENT ON COLUMN chunks.start_s IS 'Start, seconds from the first sample; one clock for all channels.';
COMMENT ON COLUMN chunks.end_s IS 'End, in seconds.';
COMMENT ON COLUMN chunks.text IS 'What was said.';
COMMENT ON COLUMN chunks.words IS 'Words with their times: [{text, start_s, end_s, confidence}]; NULL when the engine gives none.';
COMMENT ON COLUMN chunks.confidence IS 'The recogniser''s own measure, 0..1; its meaning depends on the engine; NULL when it gives none.';
COMMENT ON COLUMN chunks.language IS 'ISO 639-1.';
COMMENT ON COLUMN chunks.flags IS 'What the trust gates say: repeated, empty, decode_truncated, ….';
COMMENT ON COLUMN chunks.text_sentiment IS 'From the words: negative, neutral or positive; NULL with text_reason.';
COMMENT ON COLUMN chunks.text_confidence IS 'Probability of that label, 0..1.';
COMMENT ON COLUMN chunks.text_probabilities IS 'Probabilities of negative, neutral and positive; they sum to 1.';
COMMENT ON COLUMN chunks.text_reason IS 'Why there is no sentiment from the words.';
COMMENT ON COLUMN chunks.acoustic_sentiment IS 'From the voice: negative, neutral or positive; NULL with acoustic_reason.';
COMMENT ON COLUMN chunks.acoustic_confidence IS 'Probability of that label, 0..1.';
COMMENT ON COLUMN chunks.acoustic_probabilities IS 'Probabilities of negative, neutral and positive; they sum to 1.';
COMMENT ON COLUMN chunks.acoustic_reason IS 'Why there is no sentiment from the voice.';
COMMENT ON COLUMN chunks.fusion_sentiment IS 'From words and voice: negative, neutral or positive; NULL with fusion_reason.';
COMMENT ON COLUMN chunks.fusion_confidence IS 'Probability of that label, 0..1.';
COMMENT ON COLUMN chunks.fusion_probabilities IS 'Probabilities of negative, neutral and positive; they sum to 1.';
COMMENT ON COLUMN chunks.fusion_reason IS 'Why there is no fused sentiment.';
COMMENT ON COLUMN chunks.search IS 'Full-text index of the text; `run.py search` looks here.';

-- For analysts who may not read what was said.
CREATE VIEW chunks_without_text AS
SELECT call_id, channel, ordinal, role, start_s, end_s, confidence, language, flags,
    text_sentiment, text_confidence, text_probabilities, acoustic_sentiment, acoustic_confidence,
    acoustic_probabilities, fusion_sentiment, fusion_confidence, fusion_probabilities
FROM chunks;
COMMENT ON VIEW chunks_without_text IS 'chunks without words, for the role earshot_reader_no_text.';

CREATE VIEW steps_without_text AS
SELECT call_id, step, fingerprint, state, attempts, provider, model, tokens_in, tokens_out, cost_usd, latency_s,
    run_id, updated_at
FROM call_steps;
COMMENT ON VIEW steps_without_text IS 'call_steps without payload and reason, for the role earshot_reader_no_text.';

CREATE VIEW calls_without_text AS
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
    processed_at, delivered_at, delivered_run_id
FROM calls;
COMMENT ON VIEW calls_without_text IS 'calls without words, summaries, quotes and free metadata, for the role earshot_reader_no_text.';

CREATE VIEW runs_without_text AS
SELECT run_id, state, started_at, heartbeat_at, ended_at, host, configuration_hash, exit_code, counts
FROM runs;
COMMENT ON VIEW runs_without_text IS 'runs without configuration and report, for the role earshot_reader_no_text.';
