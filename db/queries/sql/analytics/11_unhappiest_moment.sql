-- What was the unhappiest thing that a customer said in each unhappy call of a week?
SELECT c.agent_id, round(t.start_s::numeric) AS at_s, t.text
FROM calls_done c CROSS JOIN LATERAL (
    SELECT * FROM turns WHERE call_id = c.call_id AND role = 'client' ORDER BY lowest_score, turn LIMIT 1
) t
WHERE c.client_mood = 'negative' AND c.started_at >= '2026-09-14' AND c.started_at < '2026-09-21'
ORDER BY c.started_at
