-- Scorecards: how well calls were handled, item by item.
CREATE TABLE scorecard_results (
    call_id         uuid NOT NULL REFERENCES calls (call_id) ON DELETE CASCADE,
    scorecard       text NOT NULL,
    title           text NOT NULL,
    score           double precision CHECK (score BETWEEN 0 AND 1),
    passed          boolean,
    failed_critical text[] NOT NULL,
    PRIMARY KEY (call_id, scorecard),
    CHECK ((score IS NULL) = (passed IS NULL))
);
CREATE INDEX scorecard_results_by_score ON scorecard_results (scorecard, score);
COMMENT ON TABLE scorecard_results IS 'One row per call and scorecard of the rule file.';
COMMENT ON COLUMN scorecard_results.call_id IS 'Call it belongs to.';
COMMENT ON COLUMN scorecard_results.scorecard IS 'Name of the scorecard.';
COMMENT ON COLUMN scorecard_results.title IS 'Its title at the time.';
COMMENT ON COLUMN scorecard_results.score IS 'Weight of the items answered yes over the weight of those that apply, 0..1; NULL where none applies.';
COMMENT ON COLUMN scorecard_results.passed IS 'Whether the score reaches the pass mark and no critical item is answered no.';
COMMENT ON COLUMN scorecard_results.failed_critical IS 'Critical items answered no.';

CREATE TABLE scorecard_answers (
    call_id   uuid NOT NULL REFERENCES calls (call_id) ON DELETE CASCADE,
    scorecard text NOT NULL,
    place     smallint NOT NULL,
    item      text NOT NULL,
    question  text NOT NULL,
    answer    text NOT NULL CHECK (answer IN ('yes', 'no', 'n/a')),
    weight    double precision NOT NULL CHECK (weight > 0),
    critical  boolean NOT NULL,
    reason    text NOT NULL,
    quote     text,
    role      text CHECK (role IN ('agent', 'client', 'unknown')),
    start_s   double precision,
    PRIMARY KEY (call_id, scorecard, item),
    FOREIGN KEY (call_id, scorecard) REFERENCES scorecard_results (call_id, scorecard) ON DELETE CASCADE
);
COMMENT ON TABLE scorecard_answers IS 'One row per call, scorecard and item.';
COMMENT ON COLUMN scorecard_answers.call_id IS 'Call it belongs to.';
COMMENT ON COLUMN scorecard_answers.scorecard IS 'Name of the scorecard.';
COMMENT ON COLUMN scorecard_answers.place IS 'Place of the item in the scorecard, from 1.';
COMMENT ON COLUMN scorecard_answers.item IS 'Rule that answers it.';
COMMENT ON COLUMN scorecard_answers.question IS 'What is asked; yes is good.';
COMMENT ON COLUMN scorecard_answers.answer IS 'yes, no, or n/a where it does not apply or the call does not tell.';
COMMENT ON COLUMN scorecard_answers.weight IS 'Weight of the item.';
COMMENT ON COLUMN scorecard_answers.critical IS 'Whether a no makes the call fail.';
COMMENT ON COLUMN scorecard_answers.reason IS 'What was found, in words.';
COMMENT ON COLUMN scorecard_answers.quote IS 'The sentence that shows it; NULL where none does.';
COMMENT ON COLUMN scorecard_answers.role IS 'Whose words or mood it is.';
COMMENT ON COLUMN scorecard_answers.start_s IS 'When, in seconds from the first sample of the recording.';
