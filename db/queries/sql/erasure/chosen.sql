-- Recordings to erase: those that are older than a moment, some by id, or those of one customer. All that is known of a
-- recording counts, skipped and failed ones, too. A customer is known by the column `customer`, or by any named part of
-- the metadata that says the same; telephone numbers in whatever spelling.
SELECT call_id::text, source_uri, metadata ->> 'second_uri' AS second_uri, file_name,
       metadata ->> 'second_file' AS second_file, audio_sha256, source_size_bytes AS size_bytes,
       source_modified_at AS modified_at, etag, transcript_fingerprint
FROM calls
WHERE coalesce(started_at, source_modified_at, processed_at) < coalesce(%(before)s::timestamptz, 'infinity')
    AND (%(call_ids)s::uuid[] IS NULL OR call_id = ANY(%(call_ids)s))
    AND (%(customer)s::text IS NULL OR customer = %(customer)s OR customer = phone_key(%(customer)s)
        OR EXISTS (
            SELECT FROM jsonb_each_text(metadata) part
            WHERE part.value = %(customer)s
                OR (length(phone_key(%(customer)s)) >= 6 AND phone_key(part.value) = phone_key(%(customer)s))))
ORDER BY coalesce(started_at, source_modified_at, processed_at), source_uri
