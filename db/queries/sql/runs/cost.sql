-- What language models have charged so far, and for how many calls.
SELECT coalesce(sum(cost_usd), 0) AS cost_usd, count(DISTINCT call_id) AS calls
FROM call_steps WHERE cost_usd IS NOT NULL
