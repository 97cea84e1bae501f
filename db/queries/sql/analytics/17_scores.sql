-- How well were calls handled, by agent and scorecard?
SELECT c.agent_id, r.scorecard, count(*) AS calls, round(avg(r.score)::numeric, 2) AS score,
    count(*) FILTER (WHERE r.passed) AS passed
FROM scorecard_results r JOIN calls_done c USING (call_id) GROUP BY 1, 2 ORDER BY 1, 2
