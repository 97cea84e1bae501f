-- Why the chosen calls (`chosen`) need attention, the most urgent call first.
SELECT
    c.call_id, c.file_name, c.started_at, c.agent_id, c.customer,
    CASE WHEN c.topic IS NOT NULL THEN concat_ws(' > ', c.topic, c.subtopic) END AS topic,
    a.title, a.reason, a.quote, a.role, a.start_s, a.occurrences, a.weight, a.critical
FROM chosen c JOIN attention a USING (call_id)
ORDER BY c.attention_critical DESC NULLS LAST, c.attention_weight DESC NULLS LAST, c.started_at NULLS LAST, c.source_uri,
    a.critical DESC, a.weight DESC, a.rule
