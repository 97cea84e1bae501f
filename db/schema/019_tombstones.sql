-- What was erased on request or by age, so that it is not processed again while its recording still lies there.
CREATE TABLE tombstones (
    mark      text PRIMARY KEY,
    erased_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE tombstones IS
    'Marks of erased recordings (db purge): hashes only, of an address with size and time, or of the recording''s bytes.';
COMMENT ON COLUMN tombstones.mark IS
    'HMAC-SHA256 under tombstone_key: tells that a recording was erased, and not which.';
COMMENT ON COLUMN tombstones.erased_at IS 'When it was erased.';

CREATE TABLE tombstone_key (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    key bytea NOT NULL
);
INSERT INTO tombstone_key (key)
    VALUES (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));
COMMENT ON TABLE tombstone_key IS
    'Secret of this database (one row) that marks are made with: a list of file names tells nothing of a receipt.';
COMMENT ON COLUMN tombstone_key.one IS 'Always true.';
COMMENT ON COLUMN tombstone_key.key IS 'Random, 32 bytes.';
