-- Live calls: those that are held, and those whose ordinary rows are not there yet; the latest first.
SELECT session, started_at, file_name, roles, direction, agent_id, customer_segment, queue, language, ended_at, end_reason,
    duration_s, topic, subtopic, summary, moods, missing_reasons, job, call_id::text
FROM live_calls
WHERE (%(session)s::text IS NULL AND call_id IS NULL OR session = %(session)s)
    AND (%(segments)s::text[] IS NULL OR customer_segment = ANY(%(segments)s))
    AND (%(queues)s::text[] IS NULL OR queue = ANY(%(queues)s))
ORDER BY started_at DESC LIMIT %(most)s
