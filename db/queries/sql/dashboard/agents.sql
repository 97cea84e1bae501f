-- The chosen calls by agent (NULL: not known).
SELECT agent_id, count(*) AS calls, avg(duration_s) AS mean_duration_s,
       count(*) FILTER (WHERE mood = 'negative') AS negative, count(mood) AS with_mood,
       sum(agent_talk_s) / nullif(sum(duration_s) FILTER (WHERE agent_talk_s IS NOT NULL), 0) AS agent_talk_share,
       sum(silence_s) / nullif(sum(duration_s) FILTER (WHERE silence_s IS NOT NULL), 0) AS silence_share,
       avg(agent_interruptions) AS interruptions, count(agent_interruptions) AS with_interruptions
FROM chosen GROUP BY agent_id
