-- The turns of the chosen calls (`chosen`), each call's in time order. OFFSET 0: the view is asked call by call; merged
-- into the question it would join the chunks of all calls first.
SELECT c.call_id, c.file_name, c.started_at, c.agent_id, t.start_s, t.end_s, t.role, t.text, t.lowest_score, t.doubtful
FROM chosen c CROSS JOIN LATERAL (SELECT * FROM turns WHERE turns.call_id = c.call_id OFFSET 0) t
ORDER BY c.started_at NULLS LAST, c.source_uri, c.call_id, t.turn
