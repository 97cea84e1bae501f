-- How do agents compare, and how sure is that? (95 % interval of the share of unhappy customers, Wilson 1927)
SELECT agent_id, calls, negative,
    round(((p + 1.92 / n - 1.96 * sqrt(p * (1 - p) / n + 0.9604 / (n * n))) / (1 + 3.8416 / n))::numeric, 2) AS low,
    round(((p + 1.92 / n + 1.96 * sqrt(p * (1 - p) / n + 0.9604 / (n * n))) / (1 + 3.8416 / n))::numeric, 2) AS high
FROM (
    SELECT agent_id, sum(calls) AS calls, sum(negative) AS negative, sum(with_mood)::float8 AS n,
        sum(negative) / nullif(sum(with_mood), 0)::float8 AS p
    FROM daily_agent WHERE agent_id IS NOT NULL GROUP BY agent_id
) agents ORDER BY agent_id
