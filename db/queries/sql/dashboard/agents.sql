-- The chosen calls by agent (NULL: not known): how many, how long, how they went. Their sums are those of all of them.
SELECT agent_id, count(*) AS calls,
       count(*) FILTER (WHERE status IN ('failed', 'quarantined')) AS failed,
       count(*) FILTER (WHERE started_at IS NULL) AS undated,
       coalesce(sum(duration_s), 0) AS duration_s, count(duration_s) AS measured,
       count(*) FILTER (WHERE mood = 'negative') AS negative,
       count(*) FILTER (WHERE mood = 'neutral') AS neutral,
       count(*) FILTER (WHERE mood = 'positive') AS positive,
       sum(silence_s) AS silence_s, sum(duration_s) FILTER (WHERE silence_s IS NOT NULL) AS silence_of_s,
       sum(client_talk_s) AS client_talk_s, sum(duration_s) FILTER (WHERE client_talk_s IS NOT NULL) AS client_talk_of_s,
       sum(agent_talk_s) AS agent_talk_s, sum(duration_s) FILTER (WHERE agent_talk_s IS NOT NULL) AS agent_talk_of_s,
       coalesce(sum(agent_interruptions), 0) AS interruptions, count(agent_interruptions) AS with_interruptions,
       count(*) FILTER (WHERE asr_demonstration) AS demonstration,
       count(*) FILTER (WHERE attention_weight > 0) AS attention,
       count(*) FILTER (WHERE attention_weight IS NOT NULL AND coalesce(rules_not_in_language, 0) = 0) AS judged,
       count(*) FILTER (WHERE attention_weight IS NOT NULL AND rules_not_in_language > 0) AS partly_judged
FROM chosen GROUP BY agent_id
