-- Of customers that are known, what share did not have to call again within seven days?
SELECT count(*) AS calls, count(*) FILTER (WHERE next_at IS NULL OR next_at > started_at + interval '7 days') AS settled
FROM (
    SELECT started_at, lead(started_at) OVER (PARTITION BY customer ORDER BY started_at) AS next_at
    FROM calls_done WHERE customer IS NOT NULL
) called
