-- How much of the transcripts of a week is in doubt, by recogniser?
SELECT c.asr_engine, count(DISTINCT c.call_id) AS calls, count(*) AS stretches,
    round(100.0 * count(*) FILTER (WHERE k.flags && doubtful_flags()) / count(*), 1) AS percent_in_doubt
FROM calls_done c JOIN chunks k USING (call_id)
WHERE c.started_at >= '2026-09-14' AND c.started_at < '2026-09-21' AND k.text <> ''
GROUP BY 1 ORDER BY 1
