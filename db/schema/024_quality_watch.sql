-- Quality watch: calls drawn for people to correct, what they wrote, and how the transcripts compare with it.
CREATE TABLE watch_samples (
    call_id                uuid PRIMARY KEY REFERENCES calls (call_id) ON DELETE CASCADE,
    night                  date NOT NULL,
    transcript_fingerprint text NOT NULL,
    engine                 text NOT NULL,
    model                  text NOT NULL,
    agent_id               text,
    doubtful               boolean NOT NULL,
    weight                 double precision NOT NULL CHECK (weight >= 1),
    drawn_at               timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX watch_samples_by_night ON watch_samples (night);
COMMENT ON TABLE watch_samples IS
    'Calls drawn by chance for people to correct (quality watch), each once. Spread over engines, doubtful and other calls, and agents.';
COMMENT ON COLUMN watch_samples.call_id IS 'The call.';
COMMENT ON COLUMN watch_samples.night IS 'Day on which it was drawn, in the time zone of the recordings.';
COMMENT ON COLUMN watch_samples.transcript_fingerprint IS 'Its transcript at that time: the one that is judged, also when a better model has transcribed the call since.';
COMMENT ON COLUMN watch_samples.engine IS 'Engine that made that transcript.';
COMMENT ON COLUMN watch_samples.model IS 'Its model.';
COMMENT ON COLUMN watch_samples.agent_id IS 'Agent of the call; NULL when unknown.';
COMMENT ON COLUMN watch_samples.doubtful IS 'Whether words of it were in doubt (flags of chunks).';
COMMENT ON COLUMN watch_samples.weight IS 'How many calls of that night it stands for: calls of its kind over calls drawn of them.';
COMMENT ON COLUMN watch_samples.drawn_at IS 'When.';

CREATE TABLE human_references (
    reference_id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    call_id                uuid NOT NULL REFERENCES calls (call_id) ON DELETE CASCADE,
    transcript_fingerprint text NOT NULL,
    audio_sha256           text,
    language               text,
    written_by             text NOT NULL CHECK (written_by <> ''),
    written_at             timestamptz NOT NULL DEFAULT now(),
    source                 text NOT NULL CHECK (source IN ('page', 'sheet'))
);
CREATE INDEX human_references_by_call ON human_references (call_id, reference_id DESC);
COMMENT ON TABLE human_references IS
    'What was said in a call as a person corrected it: a row each time, the newest holds. The transcript itself is never changed.';
COMMENT ON COLUMN human_references.reference_id IS 'Grows with each correction.';
COMMENT ON COLUMN human_references.call_id IS 'The call.';
COMMENT ON COLUMN human_references.transcript_fingerprint IS 'Transcript that the person had in front of them.';
COMMENT ON COLUMN human_references.audio_sha256 IS 'SHA-256 of the recording that was heard; a correction of other bytes is not used.';
COMMENT ON COLUMN human_references.language IS 'Language of the talk, ISO 639-1.';
COMMENT ON COLUMN human_references.written_by IS 'Who corrected it.';
COMMENT ON COLUMN human_references.written_at IS 'When it was saved.';
COMMENT ON COLUMN human_references.source IS 'page (of the call) or sheet.';

CREATE TABLE human_reference_turns (
    reference_id bigint NOT NULL REFERENCES human_references (reference_id) ON DELETE CASCADE,
    channel      smallint NOT NULL CHECK (channel >= 0),
    ordinal      integer NOT NULL CHECK (ordinal >= 0),
    role         text NOT NULL CHECK (role IN ('agent', 'client', 'unknown')),
    start_s      double precision NOT NULL,
    end_s        double precision NOT NULL CHECK (end_s >= start_s),
    text         text NOT NULL,
    PRIMARY KEY (reference_id, channel, ordinal)
);
COMMENT ON TABLE human_reference_turns IS 'The stretches of speech of a correction, with their words.';
COMMENT ON COLUMN human_reference_turns.reference_id IS 'Correction it belongs to.';
COMMENT ON COLUMN human_reference_turns.channel IS 'Channel of the recording, or speaker of a diarised call, from 0.';
COMMENT ON COLUMN human_reference_turns.ordinal IS 'Place within the channel, as in chunks.';
COMMENT ON COLUMN human_reference_turns.role IS 'Who speaks: agent, client or unknown.';
COMMENT ON COLUMN human_reference_turns.start_s IS 'Start, seconds from the first sample of the recording.';
COMMENT ON COLUMN human_reference_turns.end_s IS 'End, in seconds.';
COMMENT ON COLUMN human_reference_turns.text IS 'What is said; empty where nothing is. Without personal data where redaction.redact_stored is on.';

CREATE TABLE watch_judgements (
    call_id                uuid PRIMARY KEY REFERENCES calls (call_id) ON DELETE CASCADE,
    reference_id           bigint NOT NULL REFERENCES human_references (reference_id) ON DELETE CASCADE,
    transcript_fingerprint text NOT NULL,
    judged_at              timestamptz NOT NULL DEFAULT now(),
    words                  integer NOT NULL CHECK (words >= 0),
    substitutions          integer NOT NULL CHECK (substitutions >= 0),
    deletions              integer NOT NULL CHECK (deletions >= 0),
    insertions             integer NOT NULL CHECK (insertions >= 0)
);
COMMENT ON TABLE watch_judgements IS 'A drawn call''s transcript against its correction, counted in words (run.py evaluate watch).';
COMMENT ON COLUMN watch_judgements.call_id IS 'The call.';
COMMENT ON COLUMN watch_judgements.reference_id IS 'Correction it was judged by.';
COMMENT ON COLUMN watch_judgements.transcript_fingerprint IS 'Transcript that was judged.';
COMMENT ON COLUMN watch_judgements.judged_at IS 'When.';
COMMENT ON COLUMN watch_judgements.words IS 'Words that were said, by the correction.';
COMMENT ON COLUMN watch_judgements.substitutions IS 'Words taken for others.';
COMMENT ON COLUMN watch_judgements.deletions IS 'Words left out.';
COMMENT ON COLUMN watch_judgements.insertions IS 'Words made up.';

CREATE TABLE watch_figures (
    night       date NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('all', 'engine', 'model', 'agent')),
    name        text NOT NULL,
    calls       integer NOT NULL CHECK (calls > 0),
    words       integer NOT NULL CHECK (words >= 0),
    errors      integer NOT NULL CHECK (errors >= 0),
    wer         double precision NOT NULL CHECK (wer >= 0),
    low         double precision,
    high        double precision,
    computed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (night, kind, name)
);
COMMENT ON TABLE watch_figures IS 'Word error rate of the calls drawn in a night and corrected: of all, by engine, model and agent. Stays when calls are erased.';
COMMENT ON COLUMN watch_figures.night IS 'Day on which the calls were drawn.';
COMMENT ON COLUMN watch_figures.kind IS 'all, engine, model or agent.';
COMMENT ON COLUMN watch_figures.name IS 'Which of them; empty for all, and for calls without a known agent.';
COMMENT ON COLUMN watch_figures.calls IS 'Calls that were corrected.';
COMMENT ON COLUMN watch_figures.words IS 'Words said in them.';
COMMENT ON COLUMN watch_figures.errors IS 'Words taken for others, left out and made up.';
COMMENT ON COLUMN watch_figures.wer IS 'Word error rate: errors over words, each call with its weight in watch_samples; 0 and up.';
COMMENT ON COLUMN watch_figures.low IS 'Lower bound of its 95 % interval (bootstrap over calls); NULL for a single call.';
COMMENT ON COLUMN watch_figures.high IS 'Upper bound.';
COMMENT ON COLUMN watch_figures.computed_at IS 'When it was computed last.';
