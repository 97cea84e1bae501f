-- What each scorecard says of the chosen calls, as far as one of its items applies to them.
SELECT r.scorecard, max(r.title) AS title, count(*) AS calls, count(*) FILTER (WHERE r.passed) AS passed,
    count(*) FILTER (WHERE r.failed_critical <> '{}') AS failed_critical, avg(r.score) AS mean_score
FROM scorecard_results r JOIN chosen c USING (call_id)
WHERE c.status <> 'skipped' AND r.passed IS NOT NULL GROUP BY r.scorecard ORDER BY r.scorecard
