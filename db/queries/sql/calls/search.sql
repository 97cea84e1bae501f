-- Chunks of current transcripts that match, best first. The query matches words as they stand, and with a language
-- word stems of that language too.
WITH asked AS (
    SELECT websearch_to_tsquery('pg_catalog.simple', %(query)s)
        || websearch_to_tsquery(search_language(%(language)s), %(query)s) AS terms
)
SELECT k.call_id::text, c.file_name, c.source_uri, k.channel, k.ordinal, k.role, k.start_s, k.text,
       ts_rank(k.search, asked.terms) AS rank
FROM asked, chunks k JOIN calls c ON c.call_id = k.call_id AND c.status <> 'skipped'
WHERE k.search @@ asked.terms AND (%(role)s::text IS NULL OR k.role = %(role)s)
    AND (%(language)s::text IS NULL OR k.language IS NULL OR k.language = %(language)s)
ORDER BY rank DESC, c.started_at DESC NULLS LAST, c.source_uri, k.start_s, k.channel, k.ordinal
LIMIT %(limit)s
