-- The turns of the chosen calls (`chosen`): what a side says until another begins, each call's in time order. The mood
-- is the mean of its chunks' probabilities, from the words and the voice, or else from the words.
, said AS (
    SELECT k.call_id, k.channel, k.ordinal, k.role, k.start_s, k.end_s, k.text, k.flags,
        coalesce(k.fusion_probabilities, k.text_probabilities) AS mood,
        lag(k.channel) OVER in_time IS DISTINCT FROM k.channel OR lag(k.role) OVER in_time IS DISTINCT FROM k.role
            AS begins
    FROM chosen c JOIN chunks k USING (call_id)
    WINDOW in_time AS (PARTITION BY k.call_id ORDER BY k.start_s, k.channel, k.ordinal)
), numbered AS (
    SELECT *, count(*) FILTER (WHERE begins) OVER (PARTITION BY call_id ORDER BY start_s, channel, ordinal) AS turn
    FROM said
), turns AS (
    SELECT call_id, turn, min(channel) AS channel, min(role) AS role, min(start_s) AS start_s, max(end_s) AS end_s,
        string_agg(nullif(text, ''), ' ' ORDER BY start_s, channel, ordinal) AS text,
        avg((mood ->> 'negative')::double precision) AS negative,
        avg((mood ->> 'neutral')::double precision) AS neutral,
        avg((mood ->> 'positive')::double precision) AS positive,
        ARRAY(SELECT DISTINCT unnest(string_to_array(string_agg(array_to_string(flags, ','), ','), ',')) ORDER BY 1)
            AS flags
    FROM numbered GROUP BY call_id, turn
)
SELECT
    c.call_id, c.file_name, c.started_at, c.agent_id, t.start_s, t.end_s, t.role, coalesce(t.text, '') AS text,
    sentiment_label(t.negative, t.neutral, t.positive) AS mood,
    greatest(t.negative, t.neutral, t.positive) AS mood_confidence,
    array_remove(t.flags, '') AS flags
FROM turns t JOIN chosen c USING (call_id)
ORDER BY c.started_at NULLS LAST, c.source_uri, c.call_id, t.turn
