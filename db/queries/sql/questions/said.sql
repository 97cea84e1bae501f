-- Passages of the chosen calls by the words of a question said in them: a passage counts each word once, by its weight.
, asked AS MATERIALIZED (
    SELECT word, weight FROM unnest(%(words)s::text[], %(weights)s::float8[]) AS given (word, weight)
)
SELECT found.call_id::text, found.number, sum(found.weight) AS score
FROM (
    SELECT DISTINCT c.call_id, p.number, a.word, a.weight
    FROM chosen c
    JOIN transcript_chunks k USING (transcript_fingerprint)
    JOIN asked a ON k.search @@ said_in(k.language, a.word)
    JOIN passages p ON p.transcript_fingerprint = k.transcript_fingerprint AND k.start_s BETWEEN p.start_s AND p.until_s
    WHERE k.search @@ said_in_any(%(any)s)
) found
GROUP BY found.call_id, found.number
ORDER BY score DESC, found.call_id, found.number
LIMIT %(limit)s
