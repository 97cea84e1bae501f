-- Drawn calls that nobody has corrected yet, newest night first; some of them, or all.
SELECT c.call_id::text, w.night, c.file_name, c.started_at, c.duration_s, w.agent_id, c.topic, w.engine, w.model, w.doubtful
FROM watch_samples w JOIN calls c USING (call_id)
WHERE NOT EXISTS (SELECT FROM human_references r WHERE r.call_id = w.call_id
                      AND r.audio_sha256 IS NOT DISTINCT FROM c.audio_sha256)
    AND (%(call_ids)s::uuid[] IS NULL OR c.call_id = ANY(%(call_ids)s))
ORDER BY w.night DESC, c.started_at, c.call_id
LIMIT %(limit)s
