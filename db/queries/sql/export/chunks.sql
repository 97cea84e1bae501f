-- The chunks of the chosen calls (`chosen`), each call's in time order.
SELECT
    c.call_id, c.file_name, c.started_at, k.channel, k.ordinal, k.role, k.start_s, k.end_s, k.text, k.words,
    k.confidence, k.language, k.flags, k.text_sentiment, k.text_confidence, k.text_probabilities,
    k.acoustic_sentiment, k.acoustic_confidence, k.acoustic_probabilities, k.fusion_sentiment, k.fusion_confidence,
    k.fusion_probabilities
FROM chosen c JOIN chunks k USING (call_id)
ORDER BY c.started_at NULLS LAST, c.source_uri, c.call_id, k.start_s, k.channel, k.ordinal
