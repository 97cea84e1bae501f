-- Live calls: those that are held, and those whose ordinary rows are not there yet; the latest first. One whose recording
-- became no call (too short, called off) is found by its session alone.
SELECT session, started_at, file_name, roles, direction, agent_id, customer_segment, queue, language, ended_at, end_reason,
    duration_s, topic, subtopic, summary, moods, missing_reasons, job, call_id::text
FROM live_calls l
WHERE (%(session)s::text IS NULL AND call_id IS NULL
        AND NOT EXISTS (SELECT FROM jobs j WHERE j.source_uri = l.source_uri AND j.ended_at IS NOT NULL)
        OR session = %(session)s)
    AND (%(segments)s::text[] IS NULL OR customer_segment = ANY(%(segments)s))
    AND (%(queues)s::text[] IS NULL OR queue = ANY(%(queues)s))
ORDER BY started_at DESC LIMIT %(most)s
