-- How many transcripts that calls show are not indexed as they are now, under one of these recipes.
SELECT count(*)
FROM transcripts t
WHERE EXISTS (SELECT FROM calls c WHERE c.transcript_fingerprint = t.fingerprint)
    AND NOT EXISTS (
        SELECT FROM indexed_transcripts i
        WHERE i.transcript_fingerprint = t.fingerprint AND i.chunks_hash = t.chunks_hash
            AND i.recipe = ANY(%(recipes)s)
    )
