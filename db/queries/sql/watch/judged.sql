-- The judgement of every drawn call that has one, of nights from a day on.
SELECT w.call_id::text, w.night, w.engine, w.model, w.agent_id, w.doubtful, w.weight, j.words,
       j.substitutions, j.deletions, j.insertions
FROM watch_judgements j JOIN watch_samples w USING (call_id)
WHERE w.night >= %(since)s
ORDER BY w.night, w.call_id
