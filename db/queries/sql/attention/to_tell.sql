-- Matches with rules that are told, of calls that have not been told yet and are not older than asked; the call with
-- most weight first.
SELECT m.call_id::text, c.file_name, c.started_at, c.agent_id, c.topic, m.rule, m.title, m.reason, m.quote, m.role,
       m.start_s, m.critical
FROM rule_matches m JOIN calls c USING (call_id)
WHERE m.rule = ANY(%(rules)s) AND c.status = 'done'
    AND coalesce(c.started_at, c.source_modified_at) >= now() - make_interval(secs => %(within_s)s)
    AND NOT EXISTS (SELECT FROM attention_notices n WHERE n.call_id = m.call_id)
ORDER BY c.attention_weight DESC, c.started_at DESC NULLS LAST, m.call_id, m.weight DESC, m.rule
