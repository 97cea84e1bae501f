-- Segments of an unfinished transcript say whose they are, so that they can be erased while others are worked on.
ALTER TABLE finished_segments ADD COLUMN audio_sha256 text, ADD COLUMN source_uri text;
CREATE INDEX finished_segments_of_audio ON finished_segments (audio_sha256);
CREATE INDEX finished_segments_of_address ON finished_segments (source_uri);
COMMENT ON COLUMN finished_segments.audio_sha256 IS 'SHA-256 of the recording; NULL in rows of earlier versions.';
COMMENT ON COLUMN finished_segments.source_uri IS 'Address of the recording, as in claims.source_uri.';
