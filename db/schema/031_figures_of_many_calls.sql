-- A million calls: figures of many calls are read from an index that holds all they are made of, a sixth of the table,
-- and a page of the list from one that has its order.
CREATE INDEX calls_figures ON calls (started_at DESC NULLS LAST, call_id) INCLUDE (
    status, duration_s, agent_id, queue, direction, customer, customer_segment, language, topic, subtopic,
    client_fusion_sentiment, client_text_sentiment, unknown_fusion_sentiment, unknown_text_sentiment,
    silence_s, silence_share, agent_talk_s, agent_talk_share, client_talk_s, client_talk_share,
    agent_interruptions, agent_words_per_minute, attention_weight, attention_critical, asr_demonstration
);
DROP INDEX calls_by_start;
CREATE INDEX calls_most_attention ON calls
    (attention_critical DESC NULLS LAST, attention_weight DESC NULLS LAST, call_id);
DROP INDEX calls_by_attention;

-- Which chunks' words may not be what was said: the same flags for every question.
CREATE FUNCTION doubtful_flags() RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY['annotation', 'context_echo', 'loop', 'low_confidence', 'text_without_speech', 'words_per_second',
                 'wrong_script'];
COMMENT ON FUNCTION doubtful_flags() IS
    'Flags of chunks whose words may not be what was said: `flags && doubtful_flags()`.';
