-- Drawn calls with a correction that they have not been judged by. Where a better model has transcribed the call since,
-- the transcript as drawn is judged, as long as it is there.
SELECT w.call_id::text, w.night, w.transcript_fingerprint, c.file_name, c.duration_s, c.flags, t.fingerprint IS NOT NULL AS there
FROM watch_samples w
JOIN calls c USING (call_id)
LEFT JOIN transcripts t ON t.fingerprint = w.transcript_fingerprint
CROSS JOIN LATERAL (
    SELECT reference_id FROM human_references r
    WHERE r.call_id = w.call_id AND r.audio_sha256 IS NOT DISTINCT FROM c.audio_sha256
    ORDER BY reference_id DESC LIMIT 1
) newest
LEFT JOIN watch_judgements j ON j.call_id = w.call_id
WHERE j.reference_id IS DISTINCT FROM newest.reference_id
ORDER BY w.night, w.call_id
