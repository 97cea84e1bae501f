-- Recordings to erase that have no row yet: planned or worked on, or handed in and not planned. They are chosen as those
-- with a row are, by what their source or their submitter says.
WITH told_of AS (
    SELECT c.source_uri, c.call #>> '{found,file_name}' AS file_name, j.recording_sha256 AS audio_sha256,
        (c.call #>> '{found,size_bytes}')::bigint AS size_bytes,
        (c.call #>> '{found,modified_at}')::timestamptz AS modified_at, c.call #>> '{found,etag}' AS etag,
        coalesce(c.call #> '{found,metadata,extra}', '{}')::jsonb AS told,
        (c.call #>> '{found,metadata,started_at}')::timestamptz AS started_at
    FROM claims c LEFT JOIN jobs j USING (source_uri)
    WHERE c.done_at IS NULL
    UNION ALL
    SELECT j.source_uri, j.file_name, j.recording_sha256, j.size_bytes, NULL, NULL, j.metadata, j.accepted_at
    FROM jobs j
    WHERE j.ended_at IS NULL AND j.source_uri IS NOT NULL
        AND NOT EXISTS (SELECT FROM claims c WHERE c.source_uri = j.source_uri AND c.done_at IS NULL))
SELECT source_uri, file_name, audio_sha256, size_bytes, modified_at, etag
FROM told_of t
WHERE NOT EXISTS (SELECT FROM calls k WHERE k.source_uri = t.source_uri)
    AND coalesce(started_at, modified_at, now()) < coalesce(%(before)s::timestamptz, 'infinity')
    AND (%(customer)s::text IS NULL OR EXISTS (
        SELECT FROM jsonb_each_text(told) part
        WHERE part.value = %(customer)s
            OR (length(phone_key(%(customer)s)) >= 6 AND phone_key(part.value) = phone_key(%(customer)s))))
ORDER BY source_uri
