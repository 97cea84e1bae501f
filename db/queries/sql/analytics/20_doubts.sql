-- How much of the transcripts is in doubt, by recogniser?
SELECT c.asr_engine, count(DISTINCT c.call_id) AS calls, count(*) AS turns,
    round(100.0 * count(*) FILTER (WHERE t.doubtful) / count(*), 1) AS percent_in_doubt
FROM calls_done c JOIN turns t USING (call_id) GROUP BY 1 ORDER BY 1
