-- The newest correction of a call's recording as it is now, with its turns in order of time.
SELECT r.reference_id, r.call_id::text, r.transcript_fingerprint, r.audio_sha256, r.language, r.written_by, r.written_at, r.source,
       coalesce((SELECT jsonb_agg(jsonb_build_object('channel', t.channel, 'ordinal', t.ordinal, 'role', t.role,
                    'start_s', t.start_s, 'end_s', t.end_s, 'text', t.text) ORDER BY t.start_s, t.channel, t.ordinal)
                 FROM human_reference_turns t WHERE t.reference_id = r.reference_id), '[]') AS turns
FROM human_references r JOIN calls c USING (call_id)
WHERE r.call_id = %(call_id)s AND r.audio_sha256 IS NOT DISTINCT FROM c.audio_sha256
ORDER BY r.reference_id DESC LIMIT 1
