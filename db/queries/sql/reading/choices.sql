-- What a filter can choose from: the values of each of its columns, with their calls, most frequent first.
SELECT kind, value, count(*) AS calls
FROM (
    SELECT c.status, seen.kind, seen.value
    FROM calls c CROSS JOIN LATERAL (
        VALUES ('agent', c.agent_id), ('queue', c.queue), ('direction', c.direction), ('topic', c.topic),
               ('topic', c.topic || ' > ' || c.subtopic)
        UNION ALL SELECT 'flag', flag FROM unnest(c.flags) AS flag
    ) AS seen (kind, value)
) found
WHERE value IS NOT NULL AND status <> 'skipped'
GROUP BY kind, value
ORDER BY kind, value
