-- A week of topics_weekly is read alone: its calls are looked for by when they began, which an index knows, and not by a
-- week that is computed of every call. Weeks are those of the session's time zone, as before.
CREATE OR REPLACE VIEW topics_weekly AS
SELECT week, topic, calls, calls::float8 / sum(calls) OVER (PARTITION BY week) AS share, calls_before,
    calls - calls_before AS change, with_mood, negative
FROM (
    SELECT weeks.week, found.topic, found.calls, found.calls_before, found.with_mood, found.negative
    FROM (
        SELECT began.first_week + 7 * number AS week
        FROM (
            SELECT date_trunc('week', (SELECT min(started_at) FROM calls))::date AS first_week,
                (SELECT max(started_at) FROM calls)::date AS last_day
        ) began
        CROSS JOIN LATERAL generate_series(0, (began.last_day - began.first_week) / 7) AS number
    ) weeks
    CROSS JOIN LATERAL (
        SELECT c.topic, count(*) FILTER (WHERE c.of_week) AS calls, count(*) FILTER (WHERE NOT c.of_week) AS calls_before,
            count(c.mood) FILTER (WHERE c.of_week) AS with_mood,
            count(*) FILTER (WHERE c.of_week AND c.mood = 'negative') AS negative
        FROM (
            SELECT topic, started_at >= weeks.week::timestamptz AS of_week,
                coalesce(client_fusion_sentiment, client_text_sentiment) AS mood
            FROM calls
            WHERE status = 'done' AND topic IS NOT NULL AND started_at >= (weeks.week - 7)::timestamptz
                AND started_at < (weeks.week + 7)::timestamptz
        ) c
        GROUP BY c.topic
        HAVING count(*) FILTER (WHERE c.of_week) > 0
    ) found
) counted;

-- What was said leads to its call without reading the call.
CREATE INDEX calls_by_what_was_said ON calls (transcript_fingerprint) INCLUDE (call_id, started_at, agent_id, status);
DROP INDEX calls_by_transcript;
ALTER INDEX calls_by_what_was_said RENAME TO calls_by_transcript;
