-- Who was on the other end, how much attention a call needs, and rows that cannot be wrong.

-- ------------------------------------------------------------------------------- customer and caller
CREATE FUNCTION phone_key(number text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN number ~* '^\W*(anonymous|unknown|private|restricted|withheld|unavailable|blocked|none|null|nan)\M'
        THEN NULL
        ELSE nullif(regexp_replace(regexp_replace(regexp_replace(number, '^(tel|sips?):', '', 'i'),
            '[^0-9+A-Za-z@._-]|[-.](?=[0-9])', '', 'g'), '^00', '+'), '') END;
COMMENT ON FUNCTION phone_key(text) IS
    'A telephone number without spaces, brackets, hyphens and scheme, 00 as +: one spelling for one number. NULL for a withheld one.';

ALTER TABLE calls
    ADD COLUMN customer text GENERATED ALWAYS AS
        (coalesce(nullif(metadata->>'customer', ''), phone_key(metadata->>'other'))) STORED,
    ADD COLUMN caller text GENERATED ALWAYS AS
        (CASE direction WHEN 'inbound' THEN coalesce(phone_key(metadata->>'other'), nullif(metadata->>'customer', ''))
                        WHEN 'outbound' THEN coalesce(agent_id, extension)
                        WHEN 'internal' THEN coalesce(extension, agent_id) END) STORED,
    ADD COLUMN attention_weight double precision CHECK (attention_weight >= 0),
    ADD COLUMN attention_critical boolean;
COMMENT ON COLUMN calls.customer IS
    'Who was on the other end: the customer''s key from a sidecar (metadata.customer), else the number (metadata.other) in one spelling; NULL when neither is known.';
COMMENT ON COLUMN calls.caller IS
    'Who called: the other end of an inbound call, agent or extension of an outbound or internal one; NULL when unknown.';
COMMENT ON COLUMN calls.attention_weight IS
    'Sum of the weights of the rules that hold (view attention), 0 for none; NULL while no rules were judged.';
COMMENT ON COLUMN calls.attention_critical IS 'Whether a critical rule holds; NULL while no rules were judged.';

UPDATE calls c SET attention_weight = coalesce(m.weight, 0), attention_critical = coalesce(m.critical, false)
FROM call_steps s
LEFT JOIN (SELECT call_id, sum(weight) AS weight, bool_or(critical) AS critical FROM rule_matches GROUP BY 1) m
    USING (call_id)
WHERE s.call_id = c.call_id AND s.step = 'rules' AND s.state = 'done';

-- ------------------------------------------------------------------------------------------- indexes
CREATE INDEX calls_by_customer ON calls (customer, started_at) WHERE customer IS NOT NULL;
CREATE INDEX calls_by_agent ON calls (agent_id, started_at);
CREATE INDEX calls_by_topic ON calls (topic, started_at);
CREATE INDEX calls_by_attention ON calls (attention_weight DESC, started_at DESC) WHERE attention_weight > 0;
CREATE INDEX steps_by_day ON call_steps (updated_at) WHERE provider IS NOT NULL;

-- --------------------------------------------------------------------------------------- constraints
CREATE FUNCTION are_probabilities(given jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN given IS NULL OR (
        (given->>'negative')::float8 BETWEEN 0 AND 1 AND (given->>'neutral')::float8 BETWEEN 0 AND 1
        AND (given->>'positive')::float8 BETWEEN 0 AND 1
        AND abs((given->>'negative')::float8 + (given->>'neutral')::float8 + (given->>'positive')::float8 - 1) < 1e-3);
COMMENT ON FUNCTION are_probabilities(jsonb) IS 'Whether negative, neutral and positive lie in 0..1 and sum to 1.';
CREATE FUNCTION are_probabilities(negative float8, neutral float8, positive float8) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN num_nulls(negative, neutral, positive) = 3 OR (
        num_nulls(negative, neutral, positive) = 0
        AND negative BETWEEN 0 AND 1 AND neutral BETWEEN 0 AND 1 AND positive BETWEEN 0 AND 1
        AND abs(negative + neutral + positive - 1) < 1e-3);
COMMENT ON FUNCTION are_probabilities(float8, float8, float8) IS 'All three NULL, or in 0..1 and of sum 1.';

-- New rows must keep these from now on. Rows of earlier versions are looked at below.
ALTER TABLE calls
    ADD CONSTRAINT calls_text_probabilities CHECK (are_probabilities(agent_text_probabilities)
        AND are_probabilities(client_text_probabilities) AND are_probabilities(unknown_text_probabilities)) NOT VALID,
    ADD CONSTRAINT calls_acoustic_probabilities CHECK (are_probabilities(agent_acoustic_probabilities)
        AND are_probabilities(client_acoustic_probabilities)
        AND are_probabilities(unknown_acoustic_probabilities)) NOT VALID,
    ADD CONSTRAINT calls_fusion_probabilities CHECK (are_probabilities(agent_fusion_probabilities)
        AND are_probabilities(client_fusion_probabilities)
        AND are_probabilities(unknown_fusion_probabilities)) NOT VALID,
    ADD CONSTRAINT calls_shares CHECK (
        coalesce(agent_talk_share, 0) BETWEEN 0 AND 1 AND coalesce(client_talk_share, 0) BETWEEN 0 AND 1
        AND coalesce(silence_share, 0) BETWEEN 0 AND 1 AND coalesce(topic_confidence, 0) BETWEEN 0 AND 1) NOT VALID,
    ADD CONSTRAINT calls_seconds CHECK (
        least(duration_s, agent_talk_s, client_talk_s, silence_s, longest_silence_s, overtalk_s, first_response_s,
              agent_longest_turn_s, client_longest_turn_s) >= 0) NOT VALID,
    ADD CONSTRAINT calls_subtopic_of_a_topic CHECK (topic IS NOT NULL OR subtopic IS NULL) NOT VALID;
ALTER TABLE chunk_sentiments
    ADD CONSTRAINT chunk_sentiments_probabilities CHECK (
        are_probabilities(text_negative, text_neutral, text_positive)
        AND are_probabilities(acoustic_negative, acoustic_neutral, acoustic_positive)
        AND are_probabilities(fusion_negative, fusion_neutral, fusion_positive)) NOT VALID;
ALTER TABLE transcript_chunks
    ADD CONSTRAINT transcript_chunks_times CHECK (start_s >= 0 AND end_s >= start_s) NOT VALID;
ALTER TABLE finished_segments
    ADD CONSTRAINT finished_segments_times CHECK (start_s >= 0 AND end_s >= start_s) NOT VALID;

-- A rule that old rows break stays NOT VALID: new rows keep it, and `run.py doctor` says how many old ones do not.
DO $do$
DECLARE
    rule record;
BEGIN
    FOR rule IN SELECT conrelid::regclass AS of_table, conname FROM pg_constraint
                WHERE contype = 'c' AND NOT convalidated AND connamespace = current_schema()::regnamespace
    LOOP
        BEGIN
            EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', rule.of_table, rule.conname);
        EXCEPTION WHEN check_violation THEN
            RAISE WARNING 'table %: rows of an earlier version break %', rule.of_table, rule.conname;
        END;
    END LOOP;
END
$do$;
