-- These passages of the chosen calls with their lines, and a few before them, in order of time.
SELECT c.call_id::text, p.number, c.file_name, c.started_at, c.agent_id,
       coalesce(c.language, t.language) AS language,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('channel', k.channel, 'ordinal', k.ordinal, 'role', k.role,
                                                     'start_s', k.start_s, 'end_s', k.end_s, 'text', k.text,
                                                     'words', k.words, 'flags', k.flags)
                                  ORDER BY k.start_s, k.channel, k.ordinal), '[]')
        FROM transcript_chunks k
        WHERE k.transcript_fingerprint = p.transcript_fingerprint AND k.start_s BETWEEN p.start_s AND p.until_s
       ) AS lines,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('channel', k.channel, 'ordinal', k.ordinal, 'role', k.role,
                                                     'start_s', k.start_s, 'end_s', k.end_s, 'text', k.text,
                                                     'words', k.words, 'flags', k.flags)
                                  ORDER BY k.start_s, k.channel, k.ordinal), '[]')
        FROM (
            SELECT e.* FROM transcript_chunks e
            WHERE e.transcript_fingerprint = p.transcript_fingerprint AND e.start_s < p.start_s
            ORDER BY e.start_s DESC, e.channel DESC, e.ordinal DESC
            LIMIT %(lead)s
        ) k
       ) AS lead
FROM unnest(%(calls)s::uuid[], %(numbers)s::int[]) AS wanted (call_id, number)
JOIN chosen c USING (call_id)
JOIN transcripts t ON t.fingerprint = c.transcript_fingerprint
JOIN passages p ON p.transcript_fingerprint = c.transcript_fingerprint AND p.number = wanted.number
