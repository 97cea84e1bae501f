-- Transcripts by fingerprint: shared by equal audio under other names, side by side for different models.
CREATE TABLE transcripts (
    fingerprint   text PRIMARY KEY,
    audio_sha256  text NOT NULL,
    engine        text NOT NULL,
    model         text NOT NULL,
    revision      text,
    options_hash  text NOT NULL,
    rank          smallint NOT NULL,
    demonstration boolean NOT NULL,
    passed_over   text[] NOT NULL DEFAULT '{}',
    language      text,
    flags         text[] NOT NULL DEFAULT '{}',
    chunks_hash   text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX transcripts_by_audio ON transcripts (audio_sha256);

COMMENT ON TABLE transcripts IS 'What one recogniser made of one recording. calls.transcript_fingerprint names the current one of a call.';
COMMENT ON COLUMN transcripts.fingerprint IS 'Hash of audio bytes, channel map, voice activity options, engine, model, revision, options, vocabulary.';
COMMENT ON COLUMN transcripts.audio_sha256 IS 'SHA-256 of the recording, hexadecimal.';
COMMENT ON COLUMN transcripts.engine IS 'Engine of transcription.engines.';
COMMENT ON COLUMN transcripts.model IS 'Its model.';
COMMENT ON COLUMN transcripts.revision IS 'Pinned revision of the model; NULL when it has none.';
COMMENT ON COLUMN transcripts.options_hash IS 'Hash of the engine options.';
COMMENT ON COLUMN transcripts.rank IS 'Place of the engine in transcription.engines at the time, 0 first.';
COMMENT ON COLUMN transcripts.demonstration IS 'True for an engine that only shows that the pipeline works.';
COMMENT ON COLUMN transcripts.passed_over IS 'Why each engine listed earlier was passed over.';
COMMENT ON COLUMN transcripts.language IS 'ISO 639-1.';
COMMENT ON COLUMN transcripts.flags IS 'What is odd about the transcript.';
COMMENT ON COLUMN transcripts.chunks_hash IS 'Hash of the stored chunks, so that equal ones are not written again.';
COMMENT ON COLUMN transcripts.created_at IS 'When it was finished.';

-- Full-text search in the language of the words: a chunk is indexed as it stands and by its language's word stems.
CREATE FUNCTION search_language(language text) RETURNS regconfig
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE language
        WHEN 'ar' THEN 'pg_catalog.arabic'::regconfig
        WHEN 'de' THEN 'pg_catalog.german'::regconfig
        WHEN 'en' THEN 'pg_catalog.english'::regconfig
        WHEN 'es' THEN 'pg_catalog.spanish'::regconfig
        WHEN 'fr' THEN 'pg_catalog.french'::regconfig
        WHEN 'it' THEN 'pg_catalog.italian'::regconfig
        WHEN 'nl' THEN 'pg_catalog.dutch'::regconfig
        WHEN 'pt' THEN 'pg_catalog.portuguese'::regconfig
        WHEN 'ru' THEN 'pg_catalog.russian'::regconfig
        WHEN 'tr' THEN 'pg_catalog.turkish'::regconfig
        ELSE 'pg_catalog.simple'::regconfig
    END;
COMMENT ON FUNCTION search_language(text) IS 'Text search configuration of a language (ISO 639-1); simple for unknown ones.';

CREATE TABLE transcript_chunks (
    transcript_fingerprint text NOT NULL REFERENCES transcripts (fingerprint) ON DELETE CASCADE,
    channel    smallint NOT NULL,
    ordinal    integer NOT NULL,
    role       text NOT NULL CHECK (role IN ('agent', 'client', 'unknown')),
    start_s    double precision NOT NULL,
    end_s      double precision NOT NULL,
    text       text NOT NULL,
    words      jsonb,
    confidence double precision,
    language   text,
    flags      text[] NOT NULL DEFAULT '{}',
    search     tsvector GENERATED ALWAYS AS
        (to_tsvector('pg_catalog.simple', text) || to_tsvector(search_language(language), text)) STORED,
    PRIMARY KEY (transcript_fingerprint, channel, ordinal)
);
CREATE INDEX transcript_chunks_search ON transcript_chunks USING gin (search);
COMMENT ON TABLE transcript_chunks IS 'Stretches of speech of one side, by transcript, channel and ordinal. The view chunks shows those of current transcripts.';

CREATE TABLE finished_segments (
    transcript_fingerprint text NOT NULL,
    channel    smallint NOT NULL,
    ordinal    integer NOT NULL,
    start_s    double precision NOT NULL,
    end_s      double precision NOT NULL,
    overlap_s  double precision NOT NULL DEFAULT 0,
    text       text NOT NULL,
    language   text,
    words      jsonb,
    confidence double precision,
    flags      text[] NOT NULL DEFAULT '{}',
    finished_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (transcript_fingerprint, channel, ordinal)
);
COMMENT ON TABLE finished_segments IS 'Segments recognised of transcripts that are not finished: where an interrupted run goes on. Dropped when the transcript is stored.';
