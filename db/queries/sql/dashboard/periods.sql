-- The chosen calls by day, week (from Monday) or month of their start, with the customer's mood.
SELECT date_trunc(%(period)s, began)::date AS first_day, count(*) AS calls,
       count(*) FILTER (WHERE mood = 'negative') AS negative,
       count(*) FILTER (WHERE mood = 'neutral') AS neutral,
       count(*) FILTER (WHERE mood = 'positive') AS positive
FROM chosen WHERE began IS NOT NULL GROUP BY 1 ORDER BY 1
