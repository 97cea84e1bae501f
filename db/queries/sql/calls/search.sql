-- Chunks of the chosen calls (`chosen`) that match, best first, with the words that match marked.
SELECT c.call_id::text, c.file_name, c.source_uri, c.started_at, k.channel, k.ordinal, k.role, k.start_s, k.end_s,
       k.text, k.words,
       ts_headline(search_language(k.language), k.text, said_in(k.language, %(query)s),
                   E'StartSel=\uE000, StopSel=\uE001, HighlightAll=true') AS marked,
       ts_rank(k.search, said_in(k.language, %(query)s)) AS rank
FROM chosen c JOIN chunks k USING (call_id)
WHERE k.search @@ said_in_any(%(query)s) AND k.search @@ said_in(k.language, %(query)s)
    AND (%(role)s::text IS NULL OR k.role = %(role)s)
ORDER BY rank DESC, c.started_at DESC NULLS LAST, c.source_uri, k.start_s, k.channel, k.ordinal
LIMIT %(limit)s
