-- Each part of a summary is linked to the sentence of the call that it rests on. Quotes of earlier summaries were kept
-- among the details, by chunk: they become evidence whose part is not told.
ALTER TABLE calls ADD COLUMN summary_evidence jsonb;
COMMENT ON COLUMN calls.summary_evidence IS
    'The sentences that the summary rests on: a list of {part, text, role, start_s, end_s, channel, chunk}. `part` is '
    'reason, detail, done, outcome, promise, open or line (not told apart); `chunk` is the ordinal of the chunk in which '
    'the sentence begins, within its channel; times are of its words, or of the chunk where words have no times.';
COMMENT ON COLUMN calls.summary_details IS 'Reason, what was done, outcome, key points, next step, language, template, flags.';

UPDATE call_steps s SET payload = jsonb_set(s.payload, '{evidence}', coalesce((
    SELECT jsonb_agg(jsonb_build_object(
        'part', 'line', 'text', quote.value->'quote', 'role', t.role, 'start_s', quote.value->'start_s',
        'end_s', t.end_s, 'channel', quote.value->'channel', 'chunk', quote.value->'ordinal') ORDER BY quote.place)
    FROM jsonb_array_elements(s.payload->'evidence') WITH ORDINALITY AS quote (value, place)
    JOIN calls c ON c.call_id = s.call_id
    JOIN transcript_chunks t ON t.transcript_fingerprint = c.transcript_fingerprint
        AND t.channel = (quote.value->>'channel')::int AND t.ordinal = (quote.value->>'ordinal')::int), '[]'))
WHERE s.step = 'summary' AND jsonb_typeof(s.payload->'evidence') = 'array';

UPDATE calls c SET summary_evidence = s.payload->'evidence', summary_details = c.summary_details - 'evidence'
FROM call_steps s WHERE s.call_id = c.call_id AND s.step = 'summary' AND c.summary IS NOT NULL;
