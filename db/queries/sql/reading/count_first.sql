-- Of the first calls of the list, newest first, those in which the text was said; and how many were looked at.
SELECT count(*) FILTER (WHERE says) AS calls, coalesce(sum(duration_s) FILTER (WHERE says), 0) AS duration_s,
       count(*) = %(looked_at)s AS more
FROM (SELECT call_id, duration_s FROM chosen ORDER BY started_at DESC NULLS LAST, call_id LIMIT %(looked_at)s) looked
JOIN LATERAL (
    SELECT strpos(lower(c.file_name), lower(%(said)s)) > 0 OR c.call_id::text = lower(%(said)s)
        OR coalesce((SELECT true FROM transcript_chunks t
            WHERE t.transcript_fingerprint = c.transcript_fingerprint
                AND t.search @@ said_in_any(%(said)s) AND t.search @@ said_in(t.language, %(said)s) LIMIT 1), false) AS says
    FROM calls c WHERE c.call_id = looked.call_id
) heard ON true
