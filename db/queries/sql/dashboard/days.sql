-- The chosen calls by day of their start (NULL: not known) and topic (NULL: none), with the customer's mood.
SELECT began::date AS day, topic, count(*) AS calls,
       count(*) FILTER (WHERE mood = 'negative') AS negative,
       count(*) FILTER (WHERE mood = 'neutral') AS neutral,
       count(*) FILTER (WHERE mood = 'positive') AS positive
FROM chosen GROUP BY 1, 2 ORDER BY 1, 2
