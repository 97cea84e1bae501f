-- Why, in whose words, and where in the recording?
SELECT c.agent_id, a.title, a.role, round(a.start_s::numeric) AS at_s, a.quote
FROM attention a JOIN calls_done c USING (call_id)
WHERE a.weight >= 4 ORDER BY c.started_at, a.start_s, a.rule
