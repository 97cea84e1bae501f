-- Passages of calls: where questions across calls look (`run.py ask`). Their vectors are a column that indexing adds
-- where the server has pgvector (db/ledger/passages.py): a server without it has passages for full text alone.
CREATE TABLE indexed_transcripts (
    transcript_fingerprint text PRIMARY KEY REFERENCES transcripts (fingerprint) ON DELETE CASCADE,
    chunks_hash text NOT NULL,
    recipe      text NOT NULL,
    indexed_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE indexed_transcripts IS 'Transcripts whose passages are in passages, for questions across calls.';
COMMENT ON COLUMN indexed_transcripts.transcript_fingerprint IS 'The transcript.';
COMMENT ON COLUMN indexed_transcripts.chunks_hash IS 'transcripts.chunks_hash at the time; another one means that it is to be indexed again.';
COMMENT ON COLUMN indexed_transcripts.recipe IS 'How passages were cut, and which sentence encoder made their vectors.';
COMMENT ON COLUMN indexed_transcripts.indexed_at IS 'When.';

CREATE TABLE passages (
    transcript_fingerprint text NOT NULL REFERENCES indexed_transcripts (transcript_fingerprint) ON DELETE CASCADE,
    number  integer NOT NULL,
    start_s double precision NOT NULL,
    until_s double precision NOT NULL,
    PRIMARY KEY (transcript_fingerprint, number)
);
COMMENT ON TABLE passages IS
    'A few neighbouring turns of a call, overlapping; no words, which stay in transcript_chunks. Where the server has pgvector, indexing adds the column `vector`.';
COMMENT ON COLUMN passages.transcript_fingerprint IS 'The transcript.';
COMMENT ON COLUMN passages.number IS 'From 0 in order of time.';
COMMENT ON COLUMN passages.start_s IS 'Where its first chunk begins, in seconds.';
COMMENT ON COLUMN passages.until_s IS 'Where its last chunk begins: the chunks that begin between the two belong to it.';
