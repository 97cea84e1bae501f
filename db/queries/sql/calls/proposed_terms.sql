-- Topic answers that proposed terms for the glossary, from calls that fit no topic. No rows where the run proposed none.
SELECT payload->>'catalogue' AS catalogue, payload->>'glossary_hash' AS glossary_hash,
       payload->'proposed_terms' AS proposed_terms
FROM call_steps
WHERE step = 'topic' AND payload->>'topic' = %(topic)s AND jsonb_array_length(payload->'proposed_terms') > 0
    AND EXISTS (SELECT 1 FROM call_steps WHERE run_id = %(run_id)s::uuid AND step = 'topic'
                    AND payload->>'topic' = %(topic)s AND jsonb_array_length(payload->'proposed_terms') > 0)
