-- Rules that hold for a call: which calls need somebody's attention, and why.
CREATE TABLE rule_matches (
    call_id     uuid NOT NULL REFERENCES calls (call_id) ON DELETE CASCADE,
    rule        text NOT NULL,
    title       text NOT NULL,
    reason      text NOT NULL,
    quote       text,
    role        text CHECK (role IN ('agent', 'client', 'unknown')),
    start_s     double precision,
    end_s       double precision CHECK (end_s >= start_s),
    weight      double precision NOT NULL CHECK (weight > 0),
    critical    boolean NOT NULL,
    occurrences integer NOT NULL CHECK (occurrences > 0),
    PRIMARY KEY (call_id, rule),
    CHECK ((start_s IS NULL) = (end_s IS NULL))
);
CREATE INDEX rule_matches_by_rule ON rule_matches (rule);

COMMENT ON TABLE rule_matches IS 'One row per call and rule of the rule file (attention.rules) that holds for it. The view attention shows those of calls.';
COMMENT ON COLUMN rule_matches.call_id IS 'Call it belongs to.';
COMMENT ON COLUMN rule_matches.rule IS 'Name of the rule in the rule file.';
COMMENT ON COLUMN rule_matches.title IS 'Its title at the time.';
COMMENT ON COLUMN rule_matches.reason IS 'What was found, in words.';
COMMENT ON COLUMN rule_matches.quote IS 'The sentence of the first moment; NULL where nothing that was said shows it.';
COMMENT ON COLUMN rule_matches.role IS 'Whose words or mood it is: agent, client or unknown; NULL where it is nobody''s.';
COMMENT ON COLUMN rule_matches.start_s IS 'Start of the first moment, seconds from the first sample; NULL where it is the whole call.';
COMMENT ON COLUMN rule_matches.end_s IS 'Its end, in seconds.';
COMMENT ON COLUMN rule_matches.weight IS 'Weight of the rule; the sum over a call''s rows says how much attention it needs.';
COMMENT ON COLUMN rule_matches.critical IS 'True where the rule file says that the call is to be looked at in any case.';
COMMENT ON COLUMN rule_matches.occurrences IS 'How often it was found in the call.';

CREATE VIEW attention AS
SELECT m.call_id, m.rule, m.title, m.reason, m.quote, m.role, m.start_s, m.end_s, m.weight, m.critical, m.occurrences
FROM rule_matches m JOIN calls c USING (call_id)
WHERE c.status <> 'skipped';

COMMENT ON VIEW attention IS 'Why calls need attention: a row per call and rule that holds for it.';
COMMENT ON COLUMN attention.call_id IS 'Call it belongs to.';
COMMENT ON COLUMN attention.rule IS 'Name of the rule in the rule file.';
COMMENT ON COLUMN attention.title IS 'Its title at the time.';
COMMENT ON COLUMN attention.reason IS 'What was found, in words.';
COMMENT ON COLUMN attention.quote IS 'The sentence of the first moment; NULL where nothing that was said shows it.';
COMMENT ON COLUMN attention.role IS 'Whose words or mood it is: agent, client or unknown; NULL where it is nobody''s.';
COMMENT ON COLUMN attention.start_s IS 'Start of the first moment, seconds from the first sample; NULL where it is the whole call.';
COMMENT ON COLUMN attention.end_s IS 'Its end, in seconds.';
COMMENT ON COLUMN attention.weight IS 'Weight of the rule; the sum over a call''s rows says how much attention it needs.';
COMMENT ON COLUMN attention.critical IS 'True where the rule file says that the call is to be looked at in any case.';
COMMENT ON COLUMN attention.occurrences IS 'How often it was found in the call.';

CREATE VIEW attention_without_text AS
SELECT call_id, rule, title, role, start_s, end_s, weight, critical, occurrences FROM attention;
COMMENT ON VIEW attention_without_text IS 'attention without words, for the role earshot_reader_no_text.';
