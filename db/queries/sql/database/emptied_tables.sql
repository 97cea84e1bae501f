-- Tables that are empty although other tables say they are not: rows were deleted or lost.
SELECT 'calls' AS "table", format('run %%s of %%s left %%s calls stored', last.run_id, last.started_at::date, last.stored) AS evidence
FROM (SELECT run_id, started_at,
             coalesce((SELECT sum(value::bigint) FROM jsonb_each_text(report->'reconciliation'->'database_all')),
                      coalesce((counts->>'done')::bigint, 0) + coalesce((counts->>'unchanged')::bigint, 0)) AS stored
      FROM runs WHERE state = 'finished' ORDER BY started_at DESC LIMIT 1) AS last
WHERE last.stored > 0 AND NOT EXISTS (SELECT 1 FROM calls)
UNION ALL
SELECT 'transcript_chunks', 'calls have a transcription'
WHERE EXISTS (SELECT 1 FROM calls WHERE transcription <> '') AND NOT EXISTS (SELECT 1 FROM transcript_chunks)
UNION ALL
SELECT 'call_steps', 'calls have results of analysis steps'
WHERE EXISTS (SELECT 1 FROM calls WHERE turns IS NOT NULL OR topic IS NOT NULL OR summary IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM call_steps)
UNION ALL
SELECT 'chunk_sentiments', 'calls have sentiments'
WHERE EXISTS (SELECT 1 FROM calls WHERE coalesce(agent_text_sentiment, client_text_sentiment, unknown_text_sentiment)
                  IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM chunk_sentiments)
