-- The fifty most frequent topics of the calls a run has done.
SELECT topic, count(*) FROM calls WHERE run_id = %(run_id)s AND status = 'done' AND topic IS NOT NULL
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50
