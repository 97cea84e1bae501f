-- Seconds of the parts of each stage (`analyse.topic`) over the calls a run has done, the longest first.
SELECT part.key AS part, count(*) AS calls, percentile_cont(0.5) WITHIN GROUP (ORDER BY part.value::float8) AS p50_s,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY part.value::float8) AS p95_s, sum(part.value::float8) AS total_s
FROM calls, jsonb_each_text(timings_s) AS part
WHERE run_id = %(run_id)s AND status = 'done' AND part.key LIKE '%%.%%' GROUP BY part.key ORDER BY 5 DESC
