-- The chosen calls by day of their start (NULL: not known) and topic (NULL: none), with the customer's mood.
-- OFFSET 0: the planner takes nearly every call for a day of its own, and would sort them all on the disk.
SELECT day, topic, count(*) AS calls,
       count(*) FILTER (WHERE mood = 'negative') AS negative,
       count(*) FILTER (WHERE mood = 'neutral') AS neutral,
       count(*) FILTER (WHERE mood = 'positive') AS positive
FROM (SELECT began::date AS day, topic, mood FROM chosen OFFSET 0) dated GROUP BY day, topic
