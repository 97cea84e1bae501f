-- One row per recording: what readers query. Results are laid out wide; what a step said in full is in call_steps.
CREATE TABLE calls (
    call_id uuid PRIMARY KEY,
    source_uri text NOT NULL UNIQUE,
    file_name text NOT NULL,
    audio_sha256 text,
    source_size_bytes bigint NOT NULL,
    source_modified_at timestamptz,
    etag text,
    started_at timestamptz,
    duration_s double precision,
    channels smallint,
    sample_rate_hz integer,
    container text,
    codec text,
    direction text CHECK (direction IN ('inbound', 'outbound', 'internal')),
    agent_id text,
    customer_segment text CHECK (customer_segment IN ('b2b', 'b2c')),
    queue text,
    related_call text,
    extension text,
    metadata jsonb NOT NULL DEFAULT '{}',
    language text,
    flags text[] NOT NULL DEFAULT '{}',
    status text NOT NULL CHECK (status IN ('transcribed', 'done', 'failed', 'skipped', 'quarantined')),
    error_type text,
    error_message text,
    error_stage text,
    error_transient boolean,
    error_traceback text,
    failed_runs smallint NOT NULL DEFAULT 0,
    transcription text,
    agent_transcription text,
    client_transcription text,
    agent_text_sentiment text CHECK (agent_text_sentiment IN ('negative', 'neutral', 'positive')),
    agent_text_confidence double precision,
    agent_text_probabilities jsonb,
    agent_acoustic_sentiment text CHECK (agent_acoustic_sentiment IN ('negative', 'neutral', 'positive')),
    agent_acoustic_confidence double precision,
    agent_acoustic_probabilities jsonb,
    agent_fusion_sentiment text CHECK (agent_fusion_sentiment IN ('negative', 'neutral', 'positive')),
    agent_fusion_confidence double precision,
    agent_fusion_probabilities jsonb,
    client_text_sentiment text CHECK (client_text_sentiment IN ('negative', 'neutral', 'positive')),
    client_text_confidence double precision,
    client_text_probabilities jsonb,
    client_acoustic_sentiment text CHECK (client_acoustic_sentiment IN ('negative', 'neutral', 'positive')),
    client_acoustic_confidence double precision,
    client_acoustic_probabilities jsonb,
    client_fusion_sentiment text CHECK (client_fusion_sentiment IN ('negative', 'neutral', 'positive')),
    client_fusion_confidence double precision,
    client_fusion_probabilities jsonb,
    unknown_text_sentiment text CHECK (unknown_text_sentiment IN ('negative', 'neutral', 'positive')),
    unknown_text_confidence double precision,
    unknown_text_probabilities jsonb,
    unknown_acoustic_sentiment text CHECK (unknown_acoustic_sentiment IN ('negative', 'neutral', 'positive')),
    unknown_acoustic_confidence double precision,
    unknown_acoustic_probabilities jsonb,
    unknown_fusion_sentiment text CHECK (unknown_fusion_sentiment IN ('negative', 'neutral', 'positive')),
    unknown_fusion_confidence double precision,
    unknown_fusion_probabilities jsonb,
    sentiment_trends jsonb NOT NULL DEFAULT '{}',
    mood_turned_by text,
    mood_turned_at_s double precision,
    topic text,
    subtopic text,
    topic_confidence double precision,
    topic_evidence jsonb,
    topic_catalogue text,
    topic_glossary_hash text,
    summary text,
    summary_details jsonb,
    action_items jsonb,
    agent_talk_s double precision,
    client_talk_s double precision,
    agent_talk_share double precision,
    client_talk_share double precision,
    silence_s double precision,
    silence_share double precision,
    longest_silence_s double precision,
    overtalk_s double precision,
    agent_interruptions integer,
    client_interruptions integer,
    turns integer,
    agent_words_per_minute double precision,
    client_words_per_minute double precision,
    agent_longest_turn_s double precision,
    client_longest_turn_s double precision,
    first_response_s double precision,
    conversation_extra jsonb NOT NULL DEFAULT '{}',
    missing_reasons jsonb NOT NULL DEFAULT '{}',
    asr_engine text,
    asr_model text,
    asr_revision text,
    asr_demonstration boolean,
    asr_passed_over text[] NOT NULL DEFAULT '{}',
    llm_provider text,
    llm_model text,
    transcript_fingerprint text REFERENCES transcripts (fingerprint),
    timings_s jsonb NOT NULL DEFAULT '{}',
    run_id uuid REFERENCES runs (run_id),
    processed_at timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz,
    delivered_run_id uuid REFERENCES runs (run_id)
);
CREATE INDEX calls_by_content ON calls (audio_sha256);
CREATE INDEX calls_by_transcript ON calls (transcript_fingerprint);
CREATE INDEX calls_by_status ON calls (status);
CREATE INDEX calls_by_start ON calls (started_at);
CREATE INDEX calls_by_run ON calls (run_id);
CREATE INDEX calls_undelivered ON calls (processed_at) WHERE delivered_at IS NULL;

COMMENT ON TABLE calls IS 'One row per recording.';
COMMENT ON COLUMN calls.call_id IS 'Stable: the same address keeps it, also when the bytes change; a moved file with the same bytes keeps it too.';
COMMENT ON COLUMN calls.source_uri IS 'Where the recording is: file:///…, zip:///…!/…, s3://….';
COMMENT ON COLUMN calls.file_name IS 'Last part of the address.';
COMMENT ON COLUMN calls.audio_sha256 IS 'SHA-256 of the recording, hexadecimal; NULL until it was read.';
COMMENT ON COLUMN calls.source_size_bytes IS 'Size of the recording when last looked at.';
COMMENT ON COLUMN calls.source_modified_at IS 'Its modification time; the bytes are hashed again only when size, time or etag change.';
COMMENT ON COLUMN calls.etag IS 'Object store''s tag of the bytes; NULL for files.';
COMMENT ON COLUMN calls.started_at IS 'When the call began, from file name or sidecar; NULL when they do not say.';
COMMENT ON COLUMN calls.duration_s IS 'Length of the recording in seconds.';
COMMENT ON COLUMN calls.channels IS 'Number of channels.';
COMMENT ON COLUMN calls.sample_rate_hz IS 'Sample rate of the recording.';
COMMENT ON COLUMN calls.container IS 'Container of the recording: wav, ogg, mp3, ….';
COMMENT ON COLUMN calls.codec IS 'Codec of the recording: pcm_s16le, pcm_mulaw, opus, ….';
COMMENT ON COLUMN calls.direction IS 'inbound, outbound or internal, seen from the company; NULL when file name and sidecar do not say.';
COMMENT ON COLUMN calls.agent_id IS 'Agent, from file name or sidecar.';
COMMENT ON COLUMN calls.customer_segment IS 'b2b or b2c; NULL when unknown.';
COMMENT ON COLUMN calls.queue IS 'Queue, from file name or sidecar.';
COMMENT ON COLUMN calls.related_call IS 'Call this one was transferred from, as the file name gives it.';
COMMENT ON COLUMN calls.extension IS 'Extension, from file name or sidecar.';
COMMENT ON COLUMN calls.metadata IS 'Further named parts of the file name and sidecar columns.';
COMMENT ON COLUMN calls.language IS 'Language of the talk, ISO 639-1.';
COMMENT ON COLUMN calls.flags IS 'What is odd about the recording: truncated, bad_header, dual_mono, silent, clipped, too_quiet, ….';
COMMENT ON COLUMN calls.status IS 'transcribed (analysis not finished), done, failed, skipped (not a call, or too short), quarantined (failed in several runs in a row).';
COMMENT ON COLUMN calls.error_type IS 'Type of the last failure, or why the file was skipped; NULL after a success.';
COMMENT ON COLUMN calls.error_message IS 'Its message.';
COMMENT ON COLUMN calls.error_stage IS 'Stage that failed.';
COMMENT ON COLUMN calls.error_transient IS 'True when another try may help.';
COMMENT ON COLUMN calls.error_traceback IS 'Traceback of an error nobody foresaw.';
COMMENT ON COLUMN calls.failed_runs IS 'Runs in a row in which the call failed.';
COMMENT ON COLUMN calls.transcription IS 'Both sides in time order, a line per chunk, `agent: …`.';
COMMENT ON COLUMN calls.agent_transcription IS 'What the agent said.';
COMMENT ON COLUMN calls.client_transcription IS 'What the client said.';
COMMENT ON COLUMN calls.agent_text_sentiment IS 'Sentiment of the agent over the call, from the words: negative, neutral or positive; NULL with the reason in missing_reasons.';
COMMENT ON COLUMN calls.agent_text_confidence IS 'Probability of that label, 0..1.';
COMMENT ON COLUMN calls.agent_text_probabilities IS 'Probabilities of negative, neutral and positive; they sum to 1.';
COMMENT ON COLUMN calls.agent_acoustic_sentiment IS 'Sentiment of the agent over the call, from the voice: negative, neutral or positive; NULL with the reason in missing_reasons.';
COMMENT ON COLUMN calls.agent_acoustic_confidence IS 'Probability of that label, 0..1.';
COMMENT ON COLUMN calls.agent_acoustic_probabilities IS 'Probabilities of negative, neutral and positive; they sum to 1.';
COMMENT ON COLUMN calls.agent_fusion_sentiment IS 'Sentiment of the agent over the call, from the words and voice together: negative, neutral or positive; NULL with the reason in missing_reasons.';
COMMENT ON COLUMN calls.agent_fusion_confidence IS 'Probability of that label, 0..1.';
COMMENT ON COLUMN calls.agent_fusion_probabilities IS 'Probabilities of negative, neutral and positive; they sum to 1.';
COMMENT ON COLUMN calls.client_text_sentiment IS 'Sentiment of the client over the call, from the words: negative, neutral or positive; NULL with the reason in missing_reasons.';
COMMENT ON COLUMN calls.client_text_confidence IS 'Probability of that label, 0..1.';
COMMENT ON COLUMN calls.client_text_probabilities IS 'Probabilities of negative, neutral and positive; they sum to 1.';
COMMENT ON COLUMN calls.client_acoustic_sentiment IS 'Sentiment of the client over the call, from the voice: negative, neutral or positive; NULL with the reason in missing_reasons.';
COMMENT ON COLUMN calls.client_acoustic_confidence IS 'Probability of that label, 0..1.';
COMMENT ON COLUMN calls.client_acoustic_probabilities IS 'Probabilities of negative, neutral and positive; they sum to 1.';
COMMENT ON COLUMN calls.client_fusion_sentiment IS 'Sentiment of the client over the call, from the words and voice together: negative, neutral or positive; NULL with the reason in missing_reasons.';
COMMENT ON COLUMN calls.client_fusion_confidence IS 'Probability of that label, 0..1.';
COMMENT ON COLUMN calls.client_fusion_probabilities IS 'Probabilities of negative, neutral and positive; they sum to 1.';
COMMENT ON COLUMN calls.unknown_text_sentiment IS 'Sentiment of speakers of unknown role over the call, from the words: negative, neutral or positive; NULL with the reason in missing_reasons.';
COMMENT ON COLUMN calls.unknown_text_confidence IS 'Probability of that label, 0..1.';
COMMENT ON COLUMN calls.unknown_text_probabilities IS 'Probabilities of negative, neutral and positive; they sum to 1.';
COMMENT ON COLUMN calls.unknown_acoustic_sentiment IS 'Sentiment of speakers of unknown role over the call, from the voice: negative, neutral or positive; NULL with the reason in missing_reasons.';
COMMENT ON COLUMN calls.unknown_acoustic_confidence IS 'Probability of that label, 0..1.';
COMMENT ON COLUMN calls.unknown_acoustic_probabilities IS 'Probabilities of negative, neutral and positive; they sum to 1.';
COMMENT ON COLUMN calls.unknown_fusion_sentiment IS 'Sentiment of speakers of unknown role over the call, from the words and voice together: negative, neutral or positive; NULL with the reason in missing_reasons.';
COMMENT ON COLUMN calls.unknown_fusion_confidence IS 'Probability of that label, 0..1.';
COMMENT ON COLUMN calls.unknown_fusion_probabilities IS 'Probabilities of negative, neutral and positive; they sum to 1.';
COMMENT ON COLUMN calls.sentiment_trends IS 'By step and role: mean score (-1..1) in each quarter of the call, lowest score and where it is.';
COMMENT ON COLUMN calls.mood_turned_by IS 'Whose line came right before the client''s mood changed for good; NULL when it did not.';
COMMENT ON COLUMN calls.mood_turned_at_s IS 'When that was, in seconds.';
COMMENT ON COLUMN calls.topic IS 'Topic of the glossary; NULL with the reason in missing_reasons.';
COMMENT ON COLUMN calls.subtopic IS 'Subtopic of the glossary.';
COMMENT ON COLUMN calls.topic_confidence IS '0..1; NULL when the method gives none.';
COMMENT ON COLUMN calls.topic_evidence IS 'Verbatim quotes with their place: [{quote, channel, ordinal, start_s}].';
COMMENT ON COLUMN calls.topic_catalogue IS 'Glossary the topic is from: b2b, b2c or its file.';
COMMENT ON COLUMN calls.topic_glossary_hash IS 'Version of that glossary.';
COMMENT ON COLUMN calls.summary IS 'Summary of the call; NULL with the reason in missing_reasons.';
COMMENT ON COLUMN calls.summary_details IS 'Reason, what was done, outcome, key points, next step, evidence, language, template.';
COMMENT ON COLUMN calls.action_items IS 'Promises made: [{what, who, by_when}].';
COMMENT ON COLUMN calls.agent_talk_s IS 'Seconds the agent speaks.';
COMMENT ON COLUMN calls.client_talk_s IS 'Seconds the client speaks.';
COMMENT ON COLUMN calls.agent_talk_share IS 'Share of the call in which the agent speaks, 0..1.';
COMMENT ON COLUMN calls.client_talk_share IS 'Share of the call in which the client speaks, 0..1.';
COMMENT ON COLUMN calls.silence_s IS 'Seconds in which nobody speaks.';
COMMENT ON COLUMN calls.silence_share IS 'Share of the call in which nobody speaks, 0..1.';
COMMENT ON COLUMN calls.longest_silence_s IS 'Longest stretch in which nobody speaks.';
COMMENT ON COLUMN calls.overtalk_s IS 'Seconds in which both speak.';
COMMENT ON COLUMN calls.agent_interruptions IS 'Times the agent began while the client was talking and went on after.';
COMMENT ON COLUMN calls.client_interruptions IS 'Times the client began while the agent was talking and went on after.';
COMMENT ON COLUMN calls.turns IS 'Changes of speaker, the first turn included.';
COMMENT ON COLUMN calls.agent_words_per_minute IS 'Words per minute of the agent''s speech.';
COMMENT ON COLUMN calls.client_words_per_minute IS 'Words per minute of the client''s speech.';
COMMENT ON COLUMN calls.agent_longest_turn_s IS 'Longest turn of the agent, in seconds.';
COMMENT ON COLUMN calls.client_longest_turn_s IS 'Longest turn of the client, in seconds.';
COMMENT ON COLUMN calls.first_response_s IS 'From the end of the client''s first turn to the agent''s answer.';
COMMENT ON COLUMN calls.conversation_extra IS 'Further metrics of the talk.';
COMMENT ON COLUMN calls.missing_reasons IS 'Why a value is NULL: by step (text, acoustic, fusion, topic, summary, conversation) or by role and step (agent_text, …).';
COMMENT ON COLUMN calls.asr_engine IS 'Recogniser of the transcript.';
COMMENT ON COLUMN calls.asr_model IS 'Its model.';
COMMENT ON COLUMN calls.asr_revision IS 'Its pinned revision.';
COMMENT ON COLUMN calls.asr_demonstration IS 'True when the transcript is a demonstration engine''s.';
COMMENT ON COLUMN calls.asr_passed_over IS 'Why each recogniser listed earlier was passed over.';
COMMENT ON COLUMN calls.llm_provider IS 'Provider of the summary, or else of the topic.';
COMMENT ON COLUMN calls.llm_model IS 'Its model.';
COMMENT ON COLUMN calls.transcript_fingerprint IS 'Current transcript.';
COMMENT ON COLUMN calls.timings_s IS 'Wall seconds by stage.';
COMMENT ON COLUMN calls.run_id IS 'Run that last wrote the row.';
COMMENT ON COLUMN calls.processed_at IS 'When that was.';
COMMENT ON COLUMN calls.delivered_at IS 'When the row last went into a results CSV; NULL when it has yet to.';
COMMENT ON COLUMN calls.delivered_run_id IS 'Run that delivered it.';
