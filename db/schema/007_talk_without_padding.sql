-- Metrics of the talk are measured without the padding around speech, and listeners' words take no turn. What earlier
-- versions measured stays, and its reason says how.
UPDATE call_steps SET reason = concat_ws('; ', nullif(reason, ''),
    'measured by an earlier version, which counted up to 0.25 s of padding on each side of speech as talk; '
    '`--reprocess analysis` measures without it')
WHERE step = 'conversation' AND state = 'done';

UPDATE calls c SET missing_reasons = missing_reasons || jsonb_build_object('conversation', s.reason)
FROM call_steps s WHERE s.call_id = c.call_id AND s.step = 'conversation' AND s.state = 'done';

COMMENT ON COLUMN calls.agent_talk_s IS
    'Seconds the agent speaks, pauses under 0.4 s included; NULL where the bounds of speech are not known.';
COMMENT ON COLUMN calls.client_talk_s IS
    'Seconds the client speaks, pauses under 0.4 s included; NULL where the bounds of speech are not known.';
COMMENT ON COLUMN calls.overtalk_s IS 'Seconds in which both speak, overlaps under 0.2 s left out.';
COMMENT ON COLUMN calls.agent_interruptions IS
    'Times the agent began while the client was talking, at least 0.5 s before the end, and went on at least 0.8 s after. '
    'What a listener says ("mm-hm", "okay") is none.';
COMMENT ON COLUMN calls.client_interruptions IS
    'Times the client began while the agent was talking, at least 0.5 s before the end, and went on at least 0.8 s after. '
    'What a listener says ("mm-hm", "okay") is none.';
COMMENT ON COLUMN calls.turns IS
    'Changes of speaker, the first turn included. What a listener says inside the other''s turn changes nothing.';
COMMENT ON COLUMN calls.agent_longest_turn_s IS
    'Longest turn of the agent, in seconds, silences of over two seconds left out.';
COMMENT ON COLUMN calls.client_longest_turn_s IS
    'Longest turn of the client, in seconds, silences of over two seconds left out.';
