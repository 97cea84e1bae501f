-- What a filter can choose from: the values of each of its columns among the chosen calls.
SELECT kind, value, max(says) AS says, count(*) AS calls
FROM (
    SELECT seen.kind, seen.value, seen.value AS says
    FROM chosen c CROSS JOIN LATERAL (
        VALUES ('agent', c.agent_id), ('queue', c.queue), ('direction', c.direction), ('topic', c.topic),
               ('topic', c.topic || ' > ' || c.subtopic)
        UNION ALL SELECT 'flag', flag FROM unnest(c.flags) AS flag
    ) AS seen (kind, value)
    UNION ALL
    SELECT 'attention', a.rule, a.title FROM attention a JOIN chosen USING (call_id)
) found
WHERE value IS NOT NULL
GROUP BY kind, value
ORDER BY kind, value
