-- A call's second reason stands in the view that questions are asked of, too.
CREATE OR REPLACE VIEW calls_done AS
SELECT
    call_id, file_name, started_at, started_at::date AS day, date_trunc('week', started_at)::date AS week,
    duration_s, direction, agent_id, queue, customer, caller, customer_segment, language,
    coalesce(client_fusion_sentiment, client_text_sentiment) AS client_mood,
    round(((coalesce(client_fusion_probabilities, client_text_probabilities)->>'positive')::float8
         - (coalesce(client_fusion_probabilities, client_text_probabilities)->>'negative')::float8)::numeric, 4)::float8
        AS client_score,
    coalesce(agent_fusion_sentiment, agent_text_sentiment) AS agent_mood,
    mood_turned_by, mood_turned_at_s, topic, subtopic, topic_confidence, summary, action_items,
    attention_weight, attention_critical,
    agent_talk_s, client_talk_s, agent_talk_share, client_talk_share, silence_s, silence_share, longest_silence_s,
    overtalk_s, agent_interruptions, client_interruptions, turns, agent_words_per_minute, client_words_per_minute,
    agent_longest_turn_s, client_longest_turn_s, first_response_s,
    transcription, flags, missing_reasons, source_uri, asr_engine, asr_model, llm_provider, llm_model, processed_at,
    second_topic, second_subtopic, second_topic_confidence
FROM calls WHERE status = 'done';
COMMENT ON COLUMN calls_done.second_topic IS
    'Topic of a second reason for the call, of the same glossary; NULL where the client gives none, and where a language '
    'model or a trained model chose the topic.';
COMMENT ON COLUMN calls_done.second_subtopic IS 'Subtopic of the second topic.';
COMMENT ON COLUMN calls_done.second_topic_confidence IS 'How likely the second topic is right, 0..1; NULL without a second topic.';
