-- What a recogniser can be trained on, of the chosen calls (`chosen`): chunks without doubts and without placeholders of
-- redaction. A call in two files has its second side in the second; one of a diarised call is not a channel.
SELECT
    CASE WHEN k.channel > 0 THEN coalesce(c.metadata ->> 'second_uri', c.source_uri) ELSE c.source_uri END AS audio_uri,
    round(k.start_s::numeric, 3)::double precision AS "offset",
    round((k.end_s - k.start_s)::numeric, 3)::double precision AS duration,
    k.text,
    CASE WHEN 'diarised' = ANY (c.flags) OR c.metadata ? 'second_uri' THEN 0 ELSE k.channel END AS channel,
    k.role AS speaker, k.language AS lang, k.confidence, c.call_id
FROM chosen c JOIN chunks k USING (call_id)
WHERE k.flags = '{}' AND k.text <> '' AND k.end_s > k.start_s AND k.text !~ '\[[A-Z][A-Z0-9_]*_[0-9]+\]'
    AND NOT coalesce(c.asr_demonstration, false)
ORDER BY c.started_at NULLS LAST, c.source_uri, c.call_id, k.start_s, k.channel, k.ordinal
