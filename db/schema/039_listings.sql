-- From where a bucket whose keys begin with dates is listed, so that a night does not list years.
CREATE TABLE listings (
    place text PRIMARY KEY,
    settings_hash text NOT NULL,
    full_at timestamptz NOT NULL,
    settled_at timestamptz NOT NULL
);
COMMENT ON TABLE listings IS 'Inputs that are listed by date (input.deltas), and how far each is settled.';
COMMENT ON COLUMN listings.place IS 'Address of the input.';
COMMENT ON COLUMN listings.settings_hash IS 'Of the settings that decide what becomes of a recording; with others everything is listed.';
COMMENT ON COLUMN listings.full_at IS 'When the last run began that listed everything and left nothing to do.';
COMMENT ON COLUMN listings.settled_at IS 'When the last run began that left nothing to do of what it listed. The next one lists from this day on, less input.deltas.look_back_days.';
