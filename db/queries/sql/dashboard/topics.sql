-- The chosen calls by topic and week of their start (NULL: not known), with the customer's mood.
SELECT topic, date_trunc('week', began)::date AS week, count(*) AS calls,
       count(*) FILTER (WHERE mood = 'negative') AS negative, count(mood) AS with_mood
FROM chosen GROUP BY 1, 2 ORDER BY 1, 2
