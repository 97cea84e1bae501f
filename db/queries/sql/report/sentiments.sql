-- Sentiment of the client over the calls a run has done; of mono calls that of the unknown side.
SELECT coalesce(client_fusion_sentiment, unknown_fusion_sentiment) AS sentiment, count(*) FROM calls
WHERE run_id = %(run_id)s AND status = 'done'
    AND coalesce(client_fusion_sentiment, unknown_fusion_sentiment) IS NOT NULL
GROUP BY 1 ORDER BY 2 DESC, 1
