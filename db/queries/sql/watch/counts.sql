-- How many calls were drawn, and how many of them nobody has corrected yet.
SELECT count(*) AS drawn, count(*) FILTER (WHERE NOT EXISTS (
    SELECT FROM human_references r WHERE r.call_id = w.call_id AND r.audio_sha256 IS NOT DISTINCT FROM c.audio_sha256
)) AS waiting
FROM watch_samples w JOIN calls c USING (call_id)
