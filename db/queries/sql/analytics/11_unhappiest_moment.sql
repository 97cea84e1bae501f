-- What was the unhappiest thing that a client said in each unhappy call?
SELECT DISTINCT ON (c.started_at, c.call_id) c.agent_id, round(t.start_s::numeric) AS at_s, t.text
FROM calls_done c JOIN turns t ON t.call_id = c.call_id AND t.role = 'client'
WHERE c.client_mood = 'negative' AND t.lowest_score IS NOT NULL
ORDER BY c.started_at, c.call_id, t.lowest_score, t.turn
