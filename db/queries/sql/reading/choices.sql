-- What a filter can choose from: the values of each of its columns, with their calls.
SELECT kind, value, max(says) AS says, count(*) AS calls
FROM (
    SELECT seen.kind, seen.value, seen.value AS says
    FROM calls c CROSS JOIN LATERAL (
        VALUES ('agent', c.agent_id), ('queue', c.queue), ('direction', c.direction), ('topic', c.topic),
               ('topic', c.topic || ' > ' || c.subtopic)
        UNION ALL SELECT 'flag', flag FROM unnest(c.flags) AS flag
    ) AS seen (kind, value)
    WHERE c.status <> 'skipped'
    UNION ALL
    SELECT 'attention', rule, title FROM attention
) found
WHERE value IS NOT NULL
GROUP BY kind, value
ORDER BY kind, value
