-- Which recogniser served the last finished runs, and how fast they were: a dry run estimates its time from them.
SELECT report->>'engine' AS engine, report->>'model' AS model, coalesce(report->'passed_over', '[]') AS passed_over,
       (report->>'audio_s')::float8 AS audio_s, (report->>'wall_s')::float8 AS wall_s
FROM runs
WHERE state = 'finished' AND report->>'engine' IS NOT NULL
    AND (report->>'audio_s')::float8 > 0 AND (report->>'wall_s')::float8 > 0
ORDER BY started_at DESC LIMIT 50
