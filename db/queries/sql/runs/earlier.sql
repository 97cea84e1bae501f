-- The runs before one run that finished and made calls, newest first: what its quality is compared with.
SELECT run_id::text, started_at::text, exit_code, counts, report->'quality' AS quality, report->>'engine' AS engine,
       report->>'model' AS model, (report->>'wall_s')::float8 AS wall_s,
       (report->>'times_real_time')::float8 AS times_real_time
FROM runs
WHERE state = 'finished' AND run_id <> %(run_id)s AND (report->'quality'->>'calls')::int > 0
    AND started_at < coalesce((SELECT started_at FROM runs WHERE run_id = %(run_id)s), now())
ORDER BY started_at DESC LIMIT %(limit)s
