-- Where in a chunk somebody speaks: its own bounds are what the recogniser was given, padding included.
ALTER TABLE transcript_chunks ADD COLUMN speech jsonb;

CREATE OR REPLACE VIEW chunks AS
SELECT
    c.call_id, t.channel, t.ordinal, t.role, t.start_s, t.end_s, t.text, t.words, t.confidence, t.language, t.flags,
    sentiment_label(s.text_negative, s.text_neutral, s.text_positive) AS text_sentiment,
    greatest(s.text_negative, s.text_neutral, s.text_positive) AS text_confidence,
    sentiment_probabilities(s.text_negative, s.text_neutral, s.text_positive) AS text_probabilities,
    s.text_reason,
    sentiment_label(s.acoustic_negative, s.acoustic_neutral, s.acoustic_positive) AS acoustic_sentiment,
    greatest(s.acoustic_negative, s.acoustic_neutral, s.acoustic_positive) AS acoustic_confidence,
    sentiment_probabilities(s.acoustic_negative, s.acoustic_neutral, s.acoustic_positive) AS acoustic_probabilities,
    s.acoustic_reason,
    sentiment_label(s.fusion_negative, s.fusion_neutral, s.fusion_positive) AS fusion_sentiment,
    greatest(s.fusion_negative, s.fusion_neutral, s.fusion_positive) AS fusion_confidence,
    sentiment_probabilities(s.fusion_negative, s.fusion_neutral, s.fusion_positive) AS fusion_probabilities,
    s.fusion_reason,
    t.search,
    t.speech
FROM calls c
JOIN transcript_chunks t ON t.transcript_fingerprint = c.transcript_fingerprint
LEFT JOIN chunk_sentiments s
    ON s.call_id = c.call_id AND s.channel = t.channel AND s.ordinal = t.ordinal
    AND s.transcript_fingerprint = c.transcript_fingerprint;

COMMENT ON COLUMN chunks.start_s IS
    'Start of what the recogniser was given, padding included, seconds from the first sample; one clock for all channels.';
COMMENT ON COLUMN chunks.end_s IS 'Its end, in seconds.';
COMMENT ON COLUMN chunks.speech IS
    'Where within it somebody speaks, without padding: [[start_s, end_s], …]; NULL in transcripts of earlier versions.';
