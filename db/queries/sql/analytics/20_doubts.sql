-- How much of the transcripts of a week is in doubt, by recogniser?
SELECT c.asr_engine, count(DISTINCT c.call_id) AS calls, count(*) AS turns,
    round(100.0 * count(*) FILTER (WHERE t.doubtful) / count(*), 1) AS percent_in_doubt
FROM calls_done c CROSS JOIN LATERAL (SELECT * FROM turns WHERE call_id = c.call_id) t
WHERE c.started_at >= '2026-09-14' AND c.started_at < '2026-09-21'
GROUP BY 1 ORDER BY 1
