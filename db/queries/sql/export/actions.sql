-- The promises made in the chosen calls (`chosen`).
SELECT
    c.call_id, c.file_name, c.started_at, c.agent_id,
    CASE WHEN c.topic IS NOT NULL THEN concat_ws(' > ', c.topic, c.subtopic) END AS topic,
    item ->> 'what' AS what, item ->> 'who' AS who, item ->> 'by_when' AS by_when
FROM chosen c
CROSS JOIN LATERAL jsonb_array_elements(c.action_items) WITH ORDINALITY AS items (item, place)
ORDER BY c.started_at NULLS LAST, c.source_uri, place
