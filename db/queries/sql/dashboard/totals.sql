-- The chosen calls in one row: how many, how long, how they went.
SELECT count(*) AS calls,
       count(*) FILTER (WHERE status IN ('failed', 'quarantined')) AS failed,
       count(*) FILTER (WHERE started_at IS NULL) AS undated,
       coalesce(sum(duration_s), 0) AS duration_s,
       count(duration_s) AS measured,
       count(*) FILTER (WHERE mood = 'negative') AS negative,
       count(*) FILTER (WHERE mood = 'neutral') AS neutral,
       count(*) FILTER (WHERE mood = 'positive') AS positive,
       sum(silence_s) / nullif(sum(duration_s) FILTER (WHERE silence_s IS NOT NULL), 0) AS silence_share,
       sum(client_talk_s) / nullif(sum(duration_s) FILTER (WHERE client_talk_s IS NOT NULL), 0) AS client_talk_share,
       sum(agent_talk_s) / nullif(sum(duration_s) FILTER (WHERE agent_talk_s IS NOT NULL), 0) AS agent_talk_share,
       count(*) FILTER (WHERE asr_demonstration) AS demonstration,
       count(*) FILTER (WHERE attention_weight > 0) AS attention, count(attention_weight) AS judged,
       count(DISTINCT agent_id) AS agents,
       min(began)::date AS first_day, max(began)::date AS last_day
FROM chosen
