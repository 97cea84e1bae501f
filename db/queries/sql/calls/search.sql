-- Chunks of the chosen calls (`chosen`) that match, best first, with the words that match marked. Every hit is ranked by
-- what an index holds of its call; calls and words are read of those that are told.
SELECT c.call_id::text, c.file_name, c.source_uri, c.started_at, k.channel, k.ordinal, k.role, k.start_s, k.end_s,
       k.text, k.words,
       ts_headline(search_language(k.language), k.text, said_in(k.language, %(query)s),
                   E'StartSel=\uE000, StopSel=\uE001, HighlightAll=true') AS marked,
       best.rank
FROM (
    SELECT h.call_id, h.started_at, t.transcript_fingerprint, t.channel, t.ordinal, t.start_s,
           ts_rank(t.search, said_in(t.language, %(query)s)) AS rank
    FROM chosen h JOIN transcript_chunks t USING (transcript_fingerprint)
    WHERE t.search @@ said_in_any(%(query)s) AND t.search @@ said_in(t.language, %(query)s)
        AND (%(role)s::text IS NULL OR t.role = %(role)s)
    ORDER BY rank DESC, h.started_at DESC NULLS LAST, h.call_id, t.start_s, t.channel, t.ordinal
    LIMIT %(limit)s
) best
JOIN calls c USING (call_id)
JOIN transcript_chunks k ON k.transcript_fingerprint = best.transcript_fingerprint AND k.channel = best.channel
    AND k.ordinal = best.ordinal
ORDER BY best.rank DESC, best.started_at DESC NULLS LAST, best.call_id, best.start_s, best.channel, best.ordinal
