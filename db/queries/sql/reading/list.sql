-- A page of the chosen calls in the order asked for, with the first place where the text was said. What orders them is
-- also said in two numbers that grow along the list (Infinity where it is not known), so that the next page can begin
-- after the last call of this one. Only what an index holds is read of the calls that are not on the page.
-- `said`: of the first `looked_at` calls those in which it was said: a frequent word is found without all that say it.
SELECT c.call_id::text, c.file_name, c.started_at, c.duration_s, c.agent_id, c.queue, c.direction, c.topic, c.subtopic,
       page.mood, c.status, c.error_type, c.error_message, c.flags, c.summary, c.silence_share,
       c.client_talk_share, c.missing_reasons, c.customer, c.attention_critical,
       ARRAY(SELECT a.title FROM attention a WHERE a.call_id = c.call_id ORDER BY a.critical DESC, a.weight DESC, a.rule) AS attention,
       ARRAY(SELECT a.rule FROM attention a WHERE a.call_id = c.call_id ORDER BY a.critical DESC, a.weight DESC, a.rule)
           AS rules,
       ARRAY(SELECT r.scorecard || ':' || result FROM scorecard_results r
             CROSS JOIN unnest(ARRAY[CASE WHEN r.passed THEN 'passed' ELSE 'failed' END,
                                     CASE WHEN r.failed_critical <> '{}' THEN 'critical' END]) AS result
             WHERE r.call_id = c.call_id AND r.passed IS NOT NULL AND result IS NOT NULL ORDER BY 1) AS scorecards,
       c.language,
       page.first_key, page.second_key, said.role AS said_role, said.start_s AS said_at_s, said.quote AS said_quote
FROM (
    SELECT ordered.call_id, ordered.mood, ordered.first_key, ordered.second_key, ordered.place FROM (
        SELECT call_id, mood, first_key, second_key, row_number() OVER () AS place FROM (
          SELECT call_id, mood, first_key, second_key FROM (
            SELECT chosen.*,
                   coalesce(CASE %(sort)s
                       WHEN 'newest' THEN -extract(epoch FROM started_at)::float8
                       WHEN 'oldest' THEN extract(epoch FROM started_at)::float8
                       WHEN 'longest' THEN -duration_s
                       WHEN 'attention' THEN -(attention_critical::int)::float8
                       WHEN 'silence' THEN -silence_share
                       WHEN 'unhappiest' THEN
                           -(coalesce(client_fusion_probabilities, client_text_probabilities,
                                      unknown_fusion_probabilities, unknown_text_probabilities) ->> 'negative')::float8
                   END, 'Infinity') AS first_key,
                   coalesce(CASE %(sort)s WHEN 'attention' THEN -attention_weight ELSE 0 END, 'Infinity') AS second_key
            FROM chosen
          ) keyed
          WHERE %(after_id)s::uuid IS NULL
            OR (first_key, second_key, call_id) > (%(after_first)s::float8, %(after_second)s::float8, %(after_id)s::uuid)
          ORDER BY CASE WHEN %(sort)s = 'newest' THEN started_at END DESC NULLS LAST,
                   CASE WHEN %(sort)s = 'oldest' THEN started_at END NULLS LAST,
                   CASE WHEN %(sort)s = 'longest' THEN duration_s END DESC NULLS LAST,
                   CASE WHEN %(sort)s = 'attention' THEN attention_critical END DESC NULLS LAST,
                   CASE WHEN %(sort)s = 'attention' THEN attention_weight END DESC NULLS LAST,
                   CASE WHEN %(sort)s = 'silence' THEN silence_share END DESC NULLS LAST,
                   CASE WHEN %(sort)s = 'unhappiest' THEN
                       (coalesce(client_fusion_probabilities, client_text_probabilities, unknown_fusion_probabilities,
                                 unknown_text_probabilities) ->> 'negative')::float END DESC NULLS LAST,
                   call_id
          LIMIT %(looked_at)s OFFSET %(passed_over)s
        ) looked
    ) ordered
    JOIN calls spoken USING (call_id)
    WHERE %(said)s::text IS NULL OR strpos(lower(spoken.file_name), lower(%(said)s)) > 0
        OR spoken.call_id::text = lower(%(said)s)
        OR (SELECT true FROM transcript_chunks t
            WHERE t.transcript_fingerprint = spoken.transcript_fingerprint
                AND t.search @@ said_in_any(%(said)s) AND t.search @@ said_in(t.language, %(said)s) LIMIT 1)
    ORDER BY ordered.place
    LIMIT %(limit)s OFFSET %(offset)s
) page
JOIN calls c USING (call_id)
LEFT JOIN LATERAL (
    SELECT t.role, t.start_s,
           ts_headline(search_language(t.language), t.text, said_in(t.language, %(quoted)s),
                       E'StartSel=\uE000, StopSel=\uE001, MinWords=14, MaxWords=24') AS quote
    FROM transcript_chunks t
    WHERE %(quoted)s::text IS NOT NULL AND t.transcript_fingerprint = c.transcript_fingerprint
        AND t.search @@ said_in(t.language, %(quoted)s)
    ORDER BY t.start_s, t.channel, t.ordinal LIMIT 1
) said ON true
ORDER BY page.place
