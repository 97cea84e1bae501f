-- Passages of the chosen calls nearest to a vector by cosine, nearest first. Every passage is compared: a filter is then
-- never in the way, and an index would save little below a million passages (docs/ask.md).
SELECT c.call_id::text, p.number, -(p.vector <#> %(vector)s::halfvec) AS score
FROM chosen c
JOIN indexed_transcripts i USING (transcript_fingerprint)
JOIN passages p USING (transcript_fingerprint)
WHERE i.recipe = %(recipe)s AND p.vector IS NOT NULL
ORDER BY p.vector <#> %(vector)s::halfvec, c.call_id, p.number
LIMIT %(limit)s
