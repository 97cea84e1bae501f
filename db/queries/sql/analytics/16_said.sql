-- Who speaks of a refund, and in which words? (the stems of the language are found as well)
SELECT c.agent_id, k.role, round(k.start_s::numeric) AS at_s, k.text
FROM chunks k JOIN calls_done c USING (call_id)
WHERE k.search @@ websearch_to_tsquery('english', 'refund') ORDER BY c.started_at, k.start_s
