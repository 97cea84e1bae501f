-- A page of the chosen calls in the order asked for, with the first place where the text was said.
SELECT c.call_id::text, c.file_name, c.started_at, c.duration_s, c.agent_id, c.queue, c.direction, c.topic, c.subtopic,
       c.mood, c.status, c.error_type, c.error_message, c.flags, c.summary, c.silence_share,
       c.client_talk_share, c.missing_reasons, c.customer, c.attention_critical,
       ARRAY(SELECT a.title FROM attention a WHERE a.call_id = c.call_id ORDER BY a.critical DESC, a.weight DESC, a.rule) AS attention,
       ARRAY(SELECT a.rule FROM attention a WHERE a.call_id = c.call_id ORDER BY a.critical DESC, a.weight DESC, a.rule)
           AS rules, c.language,
       said.role AS said_role, said.start_s AS said_at_s, said.quote AS said_quote
FROM (
    SELECT page.*, row_number() OVER () AS place FROM (
        SELECT * FROM chosen
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
        LIMIT %(limit)s OFFSET %(offset)s
    ) page
) c
LEFT JOIN LATERAL (
    SELECT t.role, t.start_s,
           ts_headline(search_language(t.language), t.text, said_in(t.language, %(text)s),
                       E'StartSel=\uE000, StopSel=\uE001, MinWords=14, MaxWords=24') AS quote
    FROM transcript_chunks t
    WHERE %(text)s::text IS NOT NULL AND t.transcript_fingerprint = c.transcript_fingerprint
        AND t.search @@ said_in(t.language, %(text)s)
    ORDER BY t.start_s, t.channel, t.ordinal LIMIT 1
) said ON true
ORDER BY c.place
