-- Where the newest run over an input, among the last ten runs, left recordings without a row: by how it ended and by what
-- it could not open. The service's own runs have jobs for that.
SELECT started_at, under_way, broke_off, waiting, "left", not_opened
FROM (
    SELECT newest.started_at, newest.alive AS under_way, newest.state <> 'finished' AND NOT newest.alive AS broke_off,
        coalesce((counts ->> 'waiting')::int, 0) AS waiting, coalesce((counts ->> 'left')::int, 0) AS "left",
        (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(coalesce(report -> 'skipped', '{}'))
         WHERE key = ANY(%(unopened)s)) AS not_opened
    FROM (
        SELECT DISTINCT ON (inputs) run_id, started_at, state, state = 'running' AND run_is_alive(run_id) AS alive
        FROM (SELECT run_id, started_at, state, inputs FROM runs ORDER BY started_at DESC LIMIT 10) last_ones
        WHERE NOT EXISTS (SELECT FROM unnest(inputs) place WHERE starts_with(place, %(jobs)s))
        ORDER BY inputs, started_at DESC
    ) newest
    JOIN runs USING (run_id)
) ended
WHERE under_way OR broke_off OR waiting > 0 OR "left" > 0 OR not_opened <> '{}'
ORDER BY started_at DESC
