-- Calls, failures, tokens and cost of a run by analysis step, provider and model.
SELECT step, coalesce(provider, 'none') AS provider, model, count(*) AS calls,
       count(*) FILTER (WHERE state = 'failed') AS failed, sum(tokens_in) AS tokens_in, sum(tokens_out) AS tokens_out,
       sum(cost_usd) AS cost_usd, percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_s) AS p50_latency_s
FROM call_steps WHERE run_id = %(run_id)s GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC
