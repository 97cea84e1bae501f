-- What a filter can choose from: the values of each of its columns among the chosen calls.
SELECT kind, value, max(says) AS says, sum(calls)::bigint AS calls
FROM (
    SELECT seen.kind, seen.value, seen.value AS says, calls
    FROM (
        SELECT agent_id, queue, direction, topic, subtopic, count(*) AS calls
        FROM chosen GROUP BY GROUPING SETS ((agent_id), (queue), (direction), (topic, subtopic))
    ) c
    CROSS JOIN LATERAL (
        VALUES ('agent', c.agent_id), ('queue', c.queue), ('direction', c.direction), ('topic', c.topic),
               ('topic', c.topic || ' > ' || c.subtopic)
    ) AS seen (kind, value)
    UNION ALL
    SELECT 'flag', flag, flag, count(*) FROM chosen c, unnest(c.flags) AS flag WHERE c.flags <> '{}' GROUP BY 2
    UNION ALL
    SELECT 'attention', m.rule, max(m.title), count(*) FROM rule_matches m JOIN chosen c USING (call_id)
    WHERE c.status <> 'skipped' GROUP BY 2
    UNION ALL
    SELECT 'scorecard', r.scorecard || ':' || result, max(r.title), count(*)
    FROM scorecard_results r JOIN chosen c USING (call_id)
    CROSS JOIN unnest(ARRAY[CASE WHEN r.passed THEN 'passed' ELSE 'failed' END,
                            CASE WHEN r.failed_critical <> '{}' THEN 'critical' END]) AS result
    WHERE c.status <> 'skipped' AND r.passed IS NOT NULL AND result IS NOT NULL GROUP BY 2
) found
WHERE value IS NOT NULL
GROUP BY kind, value
ORDER BY kind, value
