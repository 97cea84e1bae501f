-- The calls that a filter chooses: the beginning of every question about many calls (db/queries/chosen.py).
-- `-` as the wanted agent, queue, topic or mood stands for calls that have none.
WITH chosen AS NOT MATERIALIZED (
    SELECT c.*, moods.mood, c.started_at AT TIME ZONE %(timezone)s AS began
    FROM calls c
    CROSS JOIN LATERAL (
        SELECT coalesce(c.client_fusion_sentiment, c.client_text_sentiment,
                        c.unknown_fusion_sentiment, c.unknown_text_sentiment) AS mood
    ) moods
    WHERE c.status = ANY(%(statuses)s)
        AND (%(seen_segments)s::text[] IS NULL OR c.customer_segment = ANY(%(seen_segments)s))
        AND (%(seen_queues)s::text[] IS NULL OR c.queue = ANY(%(seen_queues)s))
        AND (%(first_day)s::date IS NULL
            OR c.started_at >= (%(first_day)s::date)::timestamp AT TIME ZONE %(timezone)s)
        AND (%(last_day)s::date IS NULL
            OR c.started_at < (%(last_day)s::date + 1)::timestamp AT TIME ZONE %(timezone)s)
        AND (%(since)s::timestamptz IS NULL OR coalesce(c.started_at, c.source_modified_at) >= %(since)s)
        AND (%(call_ids)s::uuid[] IS NULL OR c.call_id = ANY(%(call_ids)s))
        AND (NOT %(undated)s OR c.started_at IS NULL)
        AND (%(agent)s::text IS NULL OR c.agent_id = %(agent)s OR (%(agent)s = '-' AND c.agent_id IS NULL))
        AND (%(queue)s::text IS NULL OR c.queue = %(queue)s OR (%(queue)s = '-' AND c.queue IS NULL))
        AND (%(direction)s::text IS NULL OR c.direction = %(direction)s
            OR (%(direction)s = '-' AND c.direction IS NULL))
        AND (%(topic)s::text IS NULL OR c.topic = %(topic)s OR c.topic || ' > ' || c.subtopic = %(topic)s
            OR (%(topic)s = '-' AND c.topic IS NULL))
        AND (%(mood)s::text IS NULL OR moods.mood = %(mood)s OR (%(mood)s = '-' AND moods.mood IS NULL))
        AND (%(language)s::text IS NULL OR c.language = %(language)s)
        AND (%(flag)s::text IS NULL OR c.flags @> ARRAY[%(flag)s::text])
        AND (%(customer)s::text IS NULL OR c.customer = %(customer)s)
        AND (%(attention)s::text IS NULL OR (%(attention)s = 'any' AND c.attention_weight > 0)
            OR (%(attention)s = 'critical' AND c.attention_critical)
            OR c.call_id IN (SELECT m.call_id FROM rule_matches m WHERE m.rule = %(attention)s))
        AND (%(scorecard)s::text IS NULL OR c.call_id IN (
            SELECT r.call_id FROM scorecard_results r
            WHERE r.scorecard = split_part(%(scorecard)s, ':', 1)
                AND (split_part(%(scorecard)s, ':', 2) IN ('', CASE WHEN r.passed THEN 'passed' ELSE 'failed' END)
                    OR split_part(%(scorecard)s, ':', 2) = 'critical' AND r.failed_critical <> '{}')
                AND r.passed IS NOT NULL))
        AND (%(silence_from)s::int IS NULL OR c.silence_share >= %(silence_from)s::float8 / 100
            AND (c.silence_share < %(silence_to)s::float8 / 100 OR %(silence_to)s >= 100))
        AND (%(talk_from)s::int IS NULL OR c.client_talk_share >= %(talk_from)s::float8 / 100
            AND (c.client_talk_share < %(talk_to)s::float8 / 100 OR %(talk_to)s >= 100))
        AND (%(error)s::text IS NULL OR c.error_type = %(error)s)
        AND (%(text)s::text IS NULL OR c.call_id IN (
            SELECT said.call_id
            FROM calls said JOIN transcript_chunks t ON t.transcript_fingerprint = said.transcript_fingerprint
            WHERE t.search @@ said_in_any(%(text)s) AND t.search @@ said_in(t.language, %(text)s)
            UNION ALL
            SELECT named.call_id FROM calls named
            WHERE letter_triples(named.file_name) @> letter_triples(%(text)s)
                AND strpos(lower(named.file_name), lower(%(text)s)) > 0
            UNION ALL
            SELECT named.call_id FROM calls named WHERE named.call_id = %(text_as_id)s::uuid
        ))
)
