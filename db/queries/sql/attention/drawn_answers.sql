-- The items of some calls with a result of a scorecard, drawn by chance and the same for the same seed.
SELECT a.call_id::text, c.file_name, c.started_at, c.duration_s, a.place, a.item, a.question, a.answer
FROM (
    SELECT call_id FROM scorecard_results JOIN calls USING (call_id)
    WHERE scorecard = %(scorecard)s AND status = 'done'
    ORDER BY md5(%(seed)s::text || call_id::text) LIMIT %(calls)s
) drawn
JOIN calls c USING (call_id) JOIN scorecard_answers a USING (call_id)
WHERE a.scorecard = %(scorecard)s
ORDER BY c.started_at NULLS LAST, a.call_id, a.place
