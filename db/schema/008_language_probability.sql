-- A call's language is decided once, from its clearest speech; how sure the recogniser was stands beside it.
ALTER TABLE transcripts ADD COLUMN language_probability double precision;
ALTER TABLE finished_segments ADD COLUMN language_probability double precision;

COMMENT ON COLUMN transcripts.language_probability IS
    'Probability of the language heard in the call, 0..1; NULL where the language was given, the recogniser tells none, or an earlier version made the transcript.';
