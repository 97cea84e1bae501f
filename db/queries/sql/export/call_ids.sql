-- Ids of the chosen calls (`chosen`), oldest first.
SELECT call_id::text FROM chosen ORDER BY started_at NULLS LAST, source_uri
