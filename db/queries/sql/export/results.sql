-- The rows of the chosen calls (`chosen`).
SELECT c.* FROM chosen c
ORDER BY c.started_at NULLS LAST, c.source_uri
