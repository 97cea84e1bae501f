-- In how many chunks each of these words is said, counted up to a limit; and how many chunks there are, about.
SELECT given.word,
       (SELECT count(*) FROM (
            SELECT FROM transcript_chunks k WHERE k.search @@ said_in_any(given.word) LIMIT %(most)s
        ) found) AS chunks,
       greatest((SELECT reltuples::bigint FROM pg_class WHERE oid = 'transcript_chunks'::regclass),
                (SELECT count(*) FROM (SELECT FROM transcript_chunks LIMIT %(most)s) counted)) AS all_chunks
FROM unnest(%(words)s::text[]) AS given (word)
