-- What a person wants first of the chosen calls (`chosen`). A mood is from the words and the voice, or else from the
-- words. A second topic stands behind the first. Remarks: why the call failed, and what is odd about its recording.
SELECT
    c.call_id, c.file_name, c.started_at, c.duration_s, c.agent_id, c.customer, c.queue,
    CASE WHEN c.topic IS NOT NULL THEN
        concat_ws(' > ', c.topic, c.subtopic) || coalesce('; ' || c.second_topic || coalesce(' > ' || c.second_subtopic, ''), '')
    END AS topic,
    coalesce(c.client_fusion_sentiment, c.client_text_sentiment) AS client_mood,
    CASE WHEN c.client_fusion_sentiment IS NOT NULL THEN c.client_fusion_confidence
        ELSE c.client_text_confidence END AS client_mood_confidence,
    coalesce(c.agent_fusion_sentiment, c.agent_text_sentiment) AS agent_mood,
    c.summary,
    c.summary_details ->> 'outcome' AS outcome,
    (
        SELECT string_agg(
            concat_ws(' ', item ->> 'what', '(' || nullif(concat_ws(', ', CASE item ->> 'who' WHEN 'client' THEN 'customer' ELSE item ->> 'who' END, item ->> 'by_when'), '') || ')'),
            E'\n' ORDER BY place)
        FROM jsonb_array_elements(c.action_items) WITH ORDINALITY AS items (item, place)
    ) AS action_items,
    (SELECT string_agg(a.title, '; ' ORDER BY a.critical DESC, a.weight DESC, a.rule) FROM attention a
     WHERE a.call_id = c.call_id) AS attention,
    array_to_string(array_remove(ARRAY[c.error_type || coalesce(': ' || c.error_message, '')], NULL) || c.flags, '; ')
        AS remarks
FROM chosen c
ORDER BY c.started_at NULLS LAST, c.source_uri
