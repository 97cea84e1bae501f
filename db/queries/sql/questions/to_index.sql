-- Transcripts that calls show and that are not indexed as they are now, newest first, with their chunks in order of time.
WITH missing AS (
    SELECT t.fingerprint, t.chunks_hash, t.language, t.created_at
    FROM transcripts t
    WHERE EXISTS (SELECT FROM calls c WHERE c.transcript_fingerprint = t.fingerprint)
        AND NOT EXISTS (
            SELECT FROM indexed_transcripts i
            WHERE i.transcript_fingerprint = t.fingerprint AND i.chunks_hash = t.chunks_hash
                AND i.recipe = ANY(%(recipes)s)
        )
    ORDER BY t.created_at DESC, t.fingerprint
    LIMIT %(most)s
)
SELECT m.fingerprint, m.chunks_hash, m.language,
       coalesce(jsonb_agg(jsonb_build_object('channel', k.channel, 'ordinal', k.ordinal, 'role', k.role,
                                             'start_s', k.start_s, 'end_s', k.end_s, 'text', k.text,
                                             'language', k.language, 'flags', k.flags)
                          ORDER BY k.start_s, k.channel, k.ordinal) FILTER (WHERE k.text IS NOT NULL), '[]') AS chunks
FROM missing m LEFT JOIN transcript_chunks k ON k.transcript_fingerprint = m.fingerprint
GROUP BY m.fingerprint, m.chunks_hash, m.language, m.created_at
ORDER BY m.created_at DESC, m.fingerprint
