-- Who read which call, newest first.
SELECT r.read_at, r.reader, r.credential, r.what, coalesce(r.call_id, l.call_id)::text AS call_id, r.live_session,
       coalesce(c.file_name, l.file_name) AS file_name, r.address
FROM call_reads r LEFT JOIN live_calls l ON l.session = r.live_session
    LEFT JOIN calls c ON c.call_id = coalesce(r.call_id, l.call_id)
WHERE (%(call_id)s::uuid IS NULL OR r.call_id = %(call_id)s OR l.call_id = %(call_id)s)
    AND (%(reader)s::text IS NULL OR r.reader = %(reader)s)
    AND (%(since)s::timestamptz IS NULL OR r.read_at >= %(since)s)
ORDER BY r.read_id DESC LIMIT %(limit)s
