-- What the last five runs that finished took, and what calls have cost so far: a dry run's estimate rests on it.
SELECT coalesce(sum((report->>'audio_s')::float8), 0) AS audio_s, coalesce(sum((report->>'wall_s')::float8), 0) AS wall_s,
       coalesce(sum((counts->>'done')::int), 0) AS done, max(cost.usd) AS cost_usd, max(cost.calls) AS priced
FROM (SELECT coalesce(sum(cost_usd), 0) AS usd, count(DISTINCT call_id) AS calls
      FROM call_steps WHERE cost_usd IS NOT NULL) AS cost
    LEFT JOIN (SELECT report, counts FROM runs WHERE state = 'finished' AND (report->>'audio_s')::float8 > 0
               ORDER BY started_at DESC LIMIT 5) AS recent ON true
