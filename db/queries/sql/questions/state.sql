-- Of the chosen calls that have words, by language and in all: how many are indexed, and how many of them under this recipe;
-- whether there are vectors.
SELECT t.language,
       GROUPING(t.language) = 1 AS in_all,
       count(*) AS calls,
       count(*) FILTER (WHERE i.chunks_hash = t.chunks_hash) AS indexed,
       count(*) FILTER (WHERE i.chunks_hash = t.chunks_hash AND i.recipe = %(recipe)s) AS alike,
       (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
        WHERE a.attrelid = 'passages'::regclass AND a.attname = 'vector' AND NOT a.attisdropped) AS vectors
FROM chosen c
JOIN transcripts t ON t.fingerprint = c.transcript_fingerprint
LEFT JOIN indexed_transcripts i USING (transcript_fingerprint)
GROUP BY GROUPING SETS ((t.language), ())
