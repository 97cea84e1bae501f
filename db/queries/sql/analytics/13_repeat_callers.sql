-- Who called again within a week, and about what?
SELECT customer, started_at, topic, previous_topic, round(days_since::numeric, 1) AS days
FROM repeat_calls WHERE days_since <= 7 ORDER BY started_at
