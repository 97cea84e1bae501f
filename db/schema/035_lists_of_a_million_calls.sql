-- Lists and figures of a million calls.

-- Rules that ask for words say nothing of a call in another language: how many of those that ask for attention.
ALTER TABLE calls ADD COLUMN rules_not_in_language smallint CHECK (rules_not_in_language >= 0);
COMMENT ON COLUMN calls.rules_not_in_language IS
    'How many rules that ask for attention could not be judged, because they are not for the language of the call. NULL while no rules were judged, and where an earlier version judged all of them.';
-- Only the calls that have some: a million rows are not written anew.
UPDATE calls c SET rules_not_in_language = left_out.rules
FROM (
    SELECT s.call_id, count(*) AS rules FROM call_steps s, jsonb_each_text(s.payload -> 'not_judged') AS why
    WHERE s.step = 'rules' AND s.state = 'done'
        AND (why.value LIKE 'the call is in %' OR why.value LIKE 'does not apply: the call is in %')
    GROUP BY 1
) left_out
WHERE c.call_id = left_out.call_id AND c.attention_weight IS NOT NULL;

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
    mood_turned_to, mood_turned_line, conversation_trends,
    rules_not_in_language
FROM calls;
DO $do$
BEGIN
    EXECUTE format('COMMENT ON COLUMN calls_without_text.rules_not_in_language IS %L', (
        SELECT col_description('calls'::regclass, attnum) FROM pg_attribute
        WHERE attrelid = 'calls'::regclass AND attname = 'rules_not_in_language'));
END
$do$;

-- Figures of many calls, as before, with what dashboards and filters ask besides.
CREATE INDEX calls_figures_too ON calls (started_at DESC NULLS LAST, call_id) INCLUDE (
    status, duration_s, agent_id, queue, direction, customer, customer_segment, language, topic, subtopic,
    client_fusion_sentiment, client_text_sentiment, unknown_fusion_sentiment, unknown_text_sentiment,
    silence_s, silence_share, agent_talk_s, agent_talk_share, client_talk_s, client_talk_share,
    agent_interruptions, agent_words_per_minute, attention_weight, attention_critical, rules_not_in_language,
    asr_demonstration, flags, error_type
);
DROP INDEX calls_figures;
ALTER INDEX calls_figures_too RENAME TO calls_figures;

-- Lists by mood, and the unhappiest first.
CREATE INDEX calls_by_mood ON calls (
    (coalesce(client_fusion_sentiment, client_text_sentiment, unknown_fusion_sentiment, unknown_text_sentiment)),
    started_at DESC NULLS LAST, call_id
);
CREATE INDEX calls_unhappiest ON calls (
    ((coalesce(client_fusion_probabilities, client_text_probabilities, unknown_fusion_probabilities,
               unknown_text_probabilities) ->> 'negative')::float) DESC NULLS LAST, call_id
);
CREATE INDEX calls_by_flag ON calls USING gin (flags);
CREATE INDEX calls_with_errors ON calls (error_type, started_at DESC NULLS LAST, call_id) WHERE error_type IS NOT NULL;

-- Who called before: looked up for each call, so that a day asks for its own calls alone.
DROP INDEX calls_by_customer;
CREATE INDEX calls_by_customer ON calls (customer, started_at, call_id) INCLUDE (status, topic, agent_id)
    WHERE customer IS NOT NULL;
CREATE OR REPLACE VIEW repeat_calls AS
SELECT c.call_id, c.customer, c.started_at, c.agent_id, c.topic, before.call_id AS previous_call_id,
    before.started_at AS previous_started_at, before.topic AS previous_topic, before.agent_id AS previous_agent_id,
    extract(epoch FROM c.started_at - before.started_at) / 86400 AS days_since,
    (SELECT count(*) FROM calls e
     WHERE e.customer = c.customer AND (e.started_at, e.call_id) < (c.started_at, c.call_id) AND e.status <> 'skipped')
        AS calls_before
FROM calls c
CROSS JOIN LATERAL (
    SELECT b.call_id, b.started_at, b.topic, b.agent_id FROM calls b
    WHERE b.customer = c.customer AND (b.started_at, b.call_id) < (c.started_at, c.call_id) AND b.status <> 'skipped'
    ORDER BY b.started_at DESC, b.call_id DESC LIMIT 1
) before
WHERE c.customer IS NOT NULL AND c.started_at IS NOT NULL AND c.status <> 'skipped';

-- Lists in the other orders.
CREATE INDEX calls_oldest ON calls (started_at, call_id);
CREATE INDEX calls_longest ON calls (duration_s DESC NULLS LAST, call_id);
CREATE INDEX calls_most_silent ON calls (silence_share DESC NULLS LAST, call_id);

-- The same view; of a side only the columns that are asked for are made.
CREATE OR REPLACE VIEW sides AS
SELECT c.call_id, c.started_at, c.agent_id, s.role, s.text_sentiment, s.text_confidence, s.acoustic_sentiment,
    s.acoustic_confidence, s.fusion_sentiment, s.fusion_confidence, s.mood, s.score, s.talk_s, s.talk_share, s.words,
    s.words_per_minute, s.turns, s.interruptions, s.longest_turn_s, s.transcription
FROM calls c CROSS JOIN LATERAL (
    SELECT 'agent' AS role, c.agent_text_sentiment AS text_sentiment, c.agent_text_confidence AS text_confidence,
        c.agent_acoustic_sentiment AS acoustic_sentiment, c.agent_acoustic_confidence AS acoustic_confidence,
        c.agent_fusion_sentiment AS fusion_sentiment, c.agent_fusion_confidence AS fusion_confidence,
        coalesce(c.agent_fusion_sentiment, c.agent_text_sentiment) AS mood,
        (coalesce(c.agent_fusion_probabilities, c.agent_text_probabilities)->>'positive')::float8
            - (coalesce(c.agent_fusion_probabilities, c.agent_text_probabilities)->>'negative')::float8 AS score,
        c.agent_talk_s AS talk_s, c.agent_talk_share AS talk_share,
        (c.conversation_extra->>'agent_words')::float8::integer AS words, c.agent_words_per_minute AS words_per_minute,
        (c.conversation_extra->>'agent_turns')::float8::integer AS turns, c.agent_interruptions AS interruptions,
        c.agent_longest_turn_s AS longest_turn_s, c.agent_transcription AS transcription
    UNION ALL
    SELECT 'client', c.client_text_sentiment, c.client_text_confidence, c.client_acoustic_sentiment,
        c.client_acoustic_confidence, c.client_fusion_sentiment, c.client_fusion_confidence,
        coalesce(c.client_fusion_sentiment, c.client_text_sentiment),
        (coalesce(c.client_fusion_probabilities, c.client_text_probabilities)->>'positive')::float8
            - (coalesce(c.client_fusion_probabilities, c.client_text_probabilities)->>'negative')::float8,
        c.client_talk_s, c.client_talk_share, (c.conversation_extra->>'client_words')::float8::integer,
        c.client_words_per_minute, (c.conversation_extra->>'client_turns')::float8::integer, c.client_interruptions,
        c.client_longest_turn_s, c.client_transcription
    UNION ALL
    SELECT 'unknown', c.unknown_text_sentiment, c.unknown_text_confidence, c.unknown_acoustic_sentiment,
        c.unknown_acoustic_confidence, c.unknown_fusion_sentiment, c.unknown_fusion_confidence,
        coalesce(c.unknown_fusion_sentiment, c.unknown_text_sentiment),
        (coalesce(c.unknown_fusion_probabilities, c.unknown_text_probabilities)->>'positive')::float8
            - (coalesce(c.unknown_fusion_probabilities, c.unknown_text_probabilities)->>'negative')::float8,
        NULL, NULL, (c.conversation_extra->>'unknown_words')::float8::integer,
        NULL, (c.conversation_extra->>'unknown_turns')::float8::integer, NULL, NULL, NULL
) AS s
WHERE c.status = 'done' AND (s.transcription IS NOT NULL OR s.mood IS NOT NULL OR s.words > 0);
