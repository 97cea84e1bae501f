-- Every call but skipped files, oldest first; `since` keeps those from then on, `call_id` only that one.
SELECT call_id::text FROM calls
WHERE status <> 'skipped'
    AND (%(since)s::timestamptz IS NULL OR coalesce(started_at, source_modified_at) >= %(since)s)
    AND (%(call_id)s::uuid IS NULL OR call_id = %(call_id)s)
ORDER BY started_at NULLS LAST, source_uri
