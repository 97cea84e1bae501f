-- Views for questions about many calls. A day and a week are those of the session's time zone (SET timezone).

CREATE VIEW calls_done AS
SELECT
    call_id, file_name, started_at, started_at::date AS day, date_trunc('week', started_at)::date AS week,
    duration_s, direction, agent_id, queue, customer, caller, customer_segment, language,
    coalesce(client_fusion_sentiment, client_text_sentiment) AS client_mood,
    round(((coalesce(client_fusion_probabilities, client_text_probabilities)->>'positive')::float8
         - (coalesce(client_fusion_probabilities, client_text_probabilities)->>'negative')::float8)::numeric, 4)::float8
        AS client_score,
    coalesce(agent_fusion_sentiment, agent_text_sentiment) AS agent_mood,
    mood_turned_by, mood_turned_at_s, topic, subtopic, topic_confidence, summary, action_items,
    attention_weight, attention_critical,
    agent_talk_s, client_talk_s, agent_talk_share, client_talk_share, silence_s, silence_share, longest_silence_s,
    overtalk_s, agent_interruptions, client_interruptions, turns, agent_words_per_minute, client_words_per_minute,
    agent_longest_turn_s, client_longest_turn_s, first_response_s,
    transcription, flags, missing_reasons, source_uri, asr_engine, asr_model, llm_provider, llm_model, processed_at
FROM calls WHERE status = 'done';

COMMENT ON VIEW calls_done IS 'Calls whose analysis is finished: no skipped files, no failures, and the columns that questions are about.';
COMMENT ON COLUMN calls_done.day IS 'Day of started_at in the session''s time zone; NULL when the start is unknown.';
COMMENT ON COLUMN calls_done.week IS 'Monday of its week.';
COMMENT ON COLUMN calls_done.client_mood IS 'Mood of the client: from words and voice where there is one, else from words.';
COMMENT ON COLUMN calls_done.client_score IS 'The same as a number: P(positive) - P(negative), -1..1.';
COMMENT ON COLUMN calls_done.agent_mood IS 'Mood of the agent, in the same way.';

CREATE VIEW sides AS
SELECT c.call_id, c.started_at, c.agent_id, s.role, s.text_sentiment, s.text_confidence, s.acoustic_sentiment,
    s.acoustic_confidence, s.fusion_sentiment, s.fusion_confidence, s.mood, s.score, s.talk_s, s.talk_share, s.words,
    s.words_per_minute, s.turns, s.interruptions, s.longest_turn_s, s.transcription
FROM calls c CROSS JOIN LATERAL (VALUES
    ('agent', c.agent_text_sentiment, c.agent_text_confidence, c.agent_acoustic_sentiment,
     c.agent_acoustic_confidence, c.agent_fusion_sentiment, c.agent_fusion_confidence,
     coalesce(c.agent_fusion_sentiment, c.agent_text_sentiment),
     (coalesce(c.agent_fusion_probabilities, c.agent_text_probabilities)->>'positive')::float8
        - (coalesce(c.agent_fusion_probabilities, c.agent_text_probabilities)->>'negative')::float8,
     c.agent_talk_s, c.agent_talk_share, (c.conversation_extra->>'agent_words')::float8::integer,
     c.agent_words_per_minute, (c.conversation_extra->>'agent_turns')::float8::integer, c.agent_interruptions,
     c.agent_longest_turn_s, c.agent_transcription),
    ('client', c.client_text_sentiment, c.client_text_confidence, c.client_acoustic_sentiment,
     c.client_acoustic_confidence, c.client_fusion_sentiment, c.client_fusion_confidence,
     coalesce(c.client_fusion_sentiment, c.client_text_sentiment),
     (coalesce(c.client_fusion_probabilities, c.client_text_probabilities)->>'positive')::float8
        - (coalesce(c.client_fusion_probabilities, c.client_text_probabilities)->>'negative')::float8,
     c.client_talk_s, c.client_talk_share, (c.conversation_extra->>'client_words')::float8::integer,
     c.client_words_per_minute, (c.conversation_extra->>'client_turns')::float8::integer, c.client_interruptions,
     c.client_longest_turn_s, c.client_transcription),
    ('unknown', c.unknown_text_sentiment, c.unknown_text_confidence, c.unknown_acoustic_sentiment,
     c.unknown_acoustic_confidence, c.unknown_fusion_sentiment, c.unknown_fusion_confidence,
     coalesce(c.unknown_fusion_sentiment, c.unknown_text_sentiment),
     (coalesce(c.unknown_fusion_probabilities, c.unknown_text_probabilities)->>'positive')::float8
        - (coalesce(c.unknown_fusion_probabilities, c.unknown_text_probabilities)->>'negative')::float8,
     NULL, NULL, (c.conversation_extra->>'unknown_words')::float8::integer,
     NULL, (c.conversation_extra->>'unknown_turns')::float8::integer, NULL, NULL, NULL)
) AS s (role, text_sentiment, text_confidence, acoustic_sentiment, acoustic_confidence, fusion_sentiment,
    fusion_confidence, mood, score, talk_s, talk_share, words, words_per_minute, turns, interruptions, longest_turn_s,
    transcription)
WHERE c.status = 'done' AND (s.words > 0 OR s.transcription IS NOT NULL OR s.mood IS NOT NULL);

COMMENT ON VIEW sides IS 'A row per finished call and role that says something in it, instead of a column for each role.';
COMMENT ON COLUMN sides.call_id IS 'Call it belongs to.';
COMMENT ON COLUMN sides.started_at IS 'When the call began.';
COMMENT ON COLUMN sides.agent_id IS 'Agent of the call, of whichever role the row is.';
COMMENT ON COLUMN sides.role IS 'agent, client or unknown (sides that could not be told apart).';
COMMENT ON COLUMN sides.text_sentiment IS 'Mood of this side from its words.';
COMMENT ON COLUMN sides.text_confidence IS 'Probability of that label, 0..1.';
COMMENT ON COLUMN sides.acoustic_sentiment IS 'Whether its voice stands out from its own usual.';
COMMENT ON COLUMN sides.acoustic_confidence IS 'Probability of that label, 0..1.';
COMMENT ON COLUMN sides.fusion_sentiment IS 'Mood from words and voice.';
COMMENT ON COLUMN sides.fusion_confidence IS 'Probability of that label, 0..1.';
COMMENT ON COLUMN sides.mood IS 'Mood from words and voice where there is one, else from words.';
COMMENT ON COLUMN sides.score IS 'The same as a number: P(positive) - P(negative), -1..1.';
COMMENT ON COLUMN sides.talk_s IS 'Seconds this side speaks; NULL where roles are unknown.';
COMMENT ON COLUMN sides.talk_share IS 'Share of the call, 0..1.';
COMMENT ON COLUMN sides.words IS 'Words it says.';
COMMENT ON COLUMN sides.words_per_minute IS 'Words per minute of its own speaking time.';
COMMENT ON COLUMN sides.turns IS 'How often it takes the floor.';
COMMENT ON COLUMN sides.interruptions IS 'How often it cuts in on the other.';
COMMENT ON COLUMN sides.longest_turn_s IS 'Its longest turn, in seconds.';
COMMENT ON COLUMN sides.transcription IS 'What it said; NULL for unknown sides, whose words are in chunks.';

CREATE VIEW turns AS
SELECT call_id, turn::integer, min(role) AS role, channel, min(start_s) AS start_s, max(end_s) AS end_s,
    string_agg(text, ' ' ORDER BY start_s, ordinal) AS text,
    array_length(regexp_split_to_array(string_agg(text, ' '), '\s+'), 1) AS words,
    round(min(score)::numeric, 4)::float8 AS lowest_score, bool_or(doubtful) AS doubtful
FROM (
    SELECT *, sum(changes) OVER (PARTITION BY call_id ORDER BY start_s, channel, ordinal) AS turn
    FROM (
        SELECT k.call_id, k.channel, k.ordinal, k.role, k.start_s, k.end_s, k.text,
            (coalesce(k.fusion_probabilities, k.text_probabilities)->>'positive')::float8
                - (coalesce(k.fusion_probabilities, k.text_probabilities)->>'negative')::float8 AS score,
            k.flags && ARRAY['annotation', 'context_echo', 'loop', 'low_confidence', 'text_without_speech',
                             'words_per_second', 'wrong_script'] AS doubtful,
            (k.channel IS DISTINCT FROM lag(k.channel) OVER (PARTITION BY k.call_id
                ORDER BY k.start_s, k.channel, k.ordinal))::integer AS changes
        FROM chunks k WHERE k.text <> ''
    ) marked
) numbered
GROUP BY call_id, turn, channel;

COMMENT ON VIEW turns IS 'What one side says until the other begins: chunks of one channel in a row, joined. Listeners'' words (mm-hm) are turns here. Ask for one call, or few.';
COMMENT ON COLUMN turns.call_id IS 'Call it belongs to.';
COMMENT ON COLUMN turns.turn IS 'Place in the call, from 1.';
COMMENT ON COLUMN turns.role IS 'Who speaks: agent, client or unknown.';
COMMENT ON COLUMN turns.channel IS 'Channel of the recording, or the speaker of a diarised call, from 0.';
COMMENT ON COLUMN turns.start_s IS 'Start, seconds from the first sample of the recording, padding included.';
COMMENT ON COLUMN turns.end_s IS 'End, in seconds.';
COMMENT ON COLUMN turns.text IS 'What is said.';
COMMENT ON COLUMN turns.words IS 'Words in it, counted at spaces.';
COMMENT ON COLUMN turns.lowest_score IS 'Lowest mood of its chunks: P(positive) - P(negative), -1..1; NULL where none is known.';
COMMENT ON COLUMN turns.doubtful IS 'Whether words in it are in doubt (flags of its chunks).';

CREATE VIEW daily AS
SELECT
    started_at::date AS day,
    count(*) AS calls,
    count(*) FILTER (WHERE status = 'done') AS done,
    count(*) FILTER (WHERE status IN ('failed', 'quarantined')) AS failed,
    sum(duration_s) FILTER (WHERE status = 'done') / 3600 AS hours,
    avg(duration_s) FILTER (WHERE status = 'done') AS mean_duration_s,
    count(coalesce(client_fusion_sentiment, client_text_sentiment)) FILTER (WHERE status = 'done') AS with_mood,
    count(*) FILTER (WHERE status = 'done' AND coalesce(client_fusion_sentiment, client_text_sentiment) = 'negative')
        AS negative,
    count(*) FILTER (WHERE status = 'done' AND coalesce(client_fusion_sentiment, client_text_sentiment) = 'positive')
        AS positive,
    avg(silence_share) FILTER (WHERE status = 'done') AS silence_share,
    avg(agent_talk_share) FILTER (WHERE status = 'done') AS agent_talk_share,
    count(*) FILTER (WHERE status = 'done' AND attention_weight > 0) AS attention,
    count(*) FILTER (WHERE status = 'done' AND attention_critical) AS critical
FROM calls WHERE status <> 'skipped' GROUP BY 1;

COMMENT ON VIEW daily IS 'Figures of each day: calls, length, the client''s mood, silence, attention. Days without calls have no row.';
COMMENT ON COLUMN daily.day IS 'Day in the session''s time zone; NULL for calls whose start is unknown.';
COMMENT ON COLUMN daily.calls IS 'Calls, skipped files left out.';
COMMENT ON COLUMN daily.done IS 'Of these, finished: what the figures after `failed` are made of.';
COMMENT ON COLUMN daily.failed IS 'Failed or quarantined.';
COMMENT ON COLUMN daily.hours IS 'Hours of recordings.';
COMMENT ON COLUMN daily.mean_duration_s IS 'Mean length, in seconds.';
COMMENT ON COLUMN daily.with_mood IS 'Calls whose client has a mood: what shares of negative and positive are shares of.';
COMMENT ON COLUMN daily.negative IS 'Calls with an unhappy client.';
COMMENT ON COLUMN daily.positive IS 'Calls with a happy client.';
COMMENT ON COLUMN daily.silence_share IS 'Mean share of silence, 0..1.';
COMMENT ON COLUMN daily.agent_talk_share IS 'Mean share of the call in which the agent speaks, 0..1.';
COMMENT ON COLUMN daily.attention IS 'Calls for which a rule holds.';
COMMENT ON COLUMN daily.critical IS 'Calls for which a critical rule holds.';

CREATE VIEW daily_agent AS
SELECT
    started_at::date AS day, agent_id, count(*) AS calls, sum(duration_s) / 3600 AS hours,
    avg(duration_s) AS mean_duration_s,
    count(coalesce(client_fusion_sentiment, client_text_sentiment)) AS with_mood,
    count(*) FILTER (WHERE coalesce(client_fusion_sentiment, client_text_sentiment) = 'negative') AS negative,
    count(*) FILTER (WHERE coalesce(client_fusion_sentiment, client_text_sentiment) = 'positive') AS positive,
    avg(silence_share) AS silence_share, avg(agent_talk_share) AS agent_talk_share,
    avg(agent_words_per_minute) AS agent_words_per_minute, avg(agent_interruptions) AS interruptions,
    count(*) FILTER (WHERE attention_weight > 0) AS attention, count(*) FILTER (WHERE attention_critical) AS critical
FROM calls WHERE status = 'done' GROUP BY 1, 2;

COMMENT ON VIEW daily_agent IS 'Figures of each agent and day. Few calls make figures that mean little: `calls` and `with_mood` say how many there are.';
COMMENT ON COLUMN daily_agent.day IS 'Day in the session''s time zone; NULL for calls whose start is unknown.';
COMMENT ON COLUMN daily_agent.agent_id IS 'Agent; NULL for calls whose agent is unknown.';
COMMENT ON COLUMN daily_agent.calls IS 'Finished calls.';
COMMENT ON COLUMN daily_agent.hours IS 'Hours of recordings.';
COMMENT ON COLUMN daily_agent.mean_duration_s IS 'Mean length, in seconds.';
COMMENT ON COLUMN daily_agent.with_mood IS 'Calls whose client has a mood.';
COMMENT ON COLUMN daily_agent.negative IS 'Calls with an unhappy client.';
COMMENT ON COLUMN daily_agent.positive IS 'Calls with a happy client.';
COMMENT ON COLUMN daily_agent.silence_share IS 'Mean share of silence, 0..1.';
COMMENT ON COLUMN daily_agent.agent_talk_share IS 'Mean share of the call in which the agent speaks, 0..1.';
COMMENT ON COLUMN daily_agent.agent_words_per_minute IS 'Mean speed of the agent''s speech.';
COMMENT ON COLUMN daily_agent.interruptions IS 'Mean number of times the agent cuts in.';
COMMENT ON COLUMN daily_agent.attention IS 'Calls for which a rule holds.';
COMMENT ON COLUMN daily_agent.critical IS 'Calls for which a critical rule holds.';

CREATE VIEW topics_weekly AS
WITH weekly AS (
    SELECT date_trunc('week', started_at)::date AS week, topic, count(*) AS calls,
        count(coalesce(client_fusion_sentiment, client_text_sentiment)) AS with_mood,
        count(*) FILTER (WHERE coalesce(client_fusion_sentiment, client_text_sentiment) = 'negative') AS negative
    FROM calls WHERE status = 'done' AND started_at IS NOT NULL AND topic IS NOT NULL GROUP BY 1, 2
)
SELECT w.week, w.topic, w.calls, w.calls::float8 / sum(w.calls) OVER (PARTITION BY w.week) AS share,
    coalesce(b.calls, 0) AS calls_before, w.calls - coalesce(b.calls, 0) AS change, w.with_mood, w.negative
FROM weekly w LEFT JOIN weekly b ON b.topic = w.topic AND b.week = w.week - 7;

COMMENT ON VIEW topics_weekly IS 'Calls of each topic and week, with the week before. Calls without a topic or a start are left out.';
COMMENT ON COLUMN topics_weekly.week IS 'Monday of the week, in the session''s time zone.';
COMMENT ON COLUMN topics_weekly.topic IS 'Topic of the glossary.';
COMMENT ON COLUMN topics_weekly.calls IS 'Calls of this topic in this week.';
COMMENT ON COLUMN topics_weekly.share IS 'Their share of the week''s calls with a topic, 0..1.';
COMMENT ON COLUMN topics_weekly.calls_before IS 'Calls of this topic in the week before; 0 for none.';
COMMENT ON COLUMN topics_weekly.change IS 'Difference between the two. A topic without a call this week has no row.';
COMMENT ON COLUMN topics_weekly.with_mood IS 'Calls whose client has a mood.';
COMMENT ON COLUMN topics_weekly.negative IS 'Calls with an unhappy client.';

CREATE VIEW repeat_calls AS
SELECT call_id, customer, started_at, agent_id, topic, previous_call_id, previous_started_at, previous_topic,
    previous_agent_id, extract(epoch FROM started_at - previous_started_at) / 86400 AS days_since, calls_before
FROM (
    SELECT call_id, customer, started_at, agent_id, topic, status,
        lag(call_id) OVER same AS previous_call_id, lag(started_at) OVER same AS previous_started_at,
        lag(topic) OVER same AS previous_topic, lag(agent_id) OVER same AS previous_agent_id,
        row_number() OVER same - 1 AS calls_before
    FROM calls
    WHERE customer IS NOT NULL AND started_at IS NOT NULL AND status <> 'skipped'
    WINDOW same AS (PARTITION BY customer ORDER BY started_at, call_id)
) called
WHERE previous_call_id IS NOT NULL;

COMMENT ON VIEW repeat_calls IS 'Calls of customers who were on the line before: WHERE days_since <= 7 are those within a week.';
COMMENT ON COLUMN repeat_calls.call_id IS 'The later call.';
COMMENT ON COLUMN repeat_calls.customer IS 'Customer of both (calls.customer).';
COMMENT ON COLUMN repeat_calls.started_at IS 'When it began.';
COMMENT ON COLUMN repeat_calls.agent_id IS 'Its agent.';
COMMENT ON COLUMN repeat_calls.topic IS 'Its topic.';
COMMENT ON COLUMN repeat_calls.previous_call_id IS 'The customer''s call before it.';
COMMENT ON COLUMN repeat_calls.previous_started_at IS 'When that one began.';
COMMENT ON COLUMN repeat_calls.previous_topic IS 'What that one was about.';
COMMENT ON COLUMN repeat_calls.previous_agent_id IS 'Who took that one.';
COMMENT ON COLUMN repeat_calls.days_since IS 'Days between the two, with fractions.';
COMMENT ON COLUMN repeat_calls.calls_before IS 'How many calls of this customer came before.';

CREATE VIEW daily_without_text AS SELECT * FROM daily;
COMMENT ON VIEW daily_without_text IS 'daily, for the role earshot_reader_no_text.';
CREATE VIEW daily_agent_without_text AS SELECT * FROM daily_agent;
COMMENT ON VIEW daily_agent_without_text IS 'daily_agent, for the role earshot_reader_no_text.';
CREATE VIEW topics_weekly_without_text AS SELECT * FROM topics_weekly;
COMMENT ON VIEW topics_weekly_without_text IS 'topics_weekly, for the role earshot_reader_no_text.';

-- --------------------------------------------------------------------- comments that were missing
COMMENT ON COLUMN call_steps.call_id IS 'Call it belongs to.';
COMMENT ON COLUMN call_steps.step IS 'text, acoustic, fusion, topic, summary, conversation or rules.';
COMMENT ON TABLE call_steps IS 'One row per call and analysis step (text, acoustic, fusion, topic, summary, conversation, rules).';
COMMENT ON COLUMN call_steps.provider IS 'What answered: a language model''s provider, or the method that needs none.';
COMMENT ON COLUMN call_steps.model IS 'Its model; NULL where none is used.';
COMMENT ON COLUMN call_steps.tokens_in IS 'Tokens sent to the model.';
COMMENT ON COLUMN call_steps.tokens_out IS 'Tokens it answered.';
COMMENT ON COLUMN call_steps.run_id IS 'Run that made the result.';
COMMENT ON COLUMN call_steps.updated_at IS 'When it was stored.';
COMMENT ON COLUMN finished_segments.transcript_fingerprint IS 'Transcript it will be part of.';
COMMENT ON COLUMN finished_segments.channel IS 'Channel of the recording, from 0.';
COMMENT ON COLUMN finished_segments.ordinal IS 'Place within the channel, from 0 in time order.';
COMMENT ON COLUMN finished_segments.start_s IS 'Start of what the recogniser was given, in seconds.';
COMMENT ON COLUMN finished_segments.end_s IS 'Its end, in seconds.';
COMMENT ON COLUMN finished_segments.overlap_s IS 'How much of its start repeats the end of the segment before, in seconds.';
COMMENT ON COLUMN finished_segments.text IS 'What was recognised.';
COMMENT ON COLUMN finished_segments.language IS 'ISO 639-1.';
COMMENT ON COLUMN finished_segments.language_probability IS 'Probability of that language, 0..1; NULL where none is told.';
COMMENT ON COLUMN finished_segments.words IS 'Words with their times; NULL when the engine gives none.';
COMMENT ON COLUMN finished_segments.confidence IS 'The recogniser''s own measure, 0..1; NULL when it gives none.';
COMMENT ON COLUMN finished_segments.flags IS 'What the trust gates say.';
COMMENT ON COLUMN finished_segments.finished_at IS 'When it was recognised.';
COMMENT ON COLUMN transcript_chunks.transcript_fingerprint IS 'Transcript it belongs to.';
COMMENT ON COLUMN chunk_sentiments.call_id IS 'Call it belongs to.';
COMMENT ON COLUMN chunk_sentiments.transcript_fingerprint IS 'Transcript whose chunk it is of.';
COMMENT ON COLUMN chunk_sentiments.channel IS 'Channel of the chunk.';
COMMENT ON COLUMN chunk_sentiments.ordinal IS 'Place of the chunk within the channel.';

DO $do$
DECLARE
    item record;
BEGIN
    -- Sentiments of chunks: three probabilities and a reason for each step.
    FOR item IN SELECT step, part FROM unnest(ARRAY['text', 'acoustic', 'fusion']) AS step,
                unnest(ARRAY['negative', 'neutral', 'positive']) AS part
    LOOP
        EXECUTE format('COMMENT ON COLUMN chunk_sentiments.%I IS %L', item.step || '_' || item.part,
            format('Probability of %s by the step %s, 0..1; the three sum to 1; all NULL where there is none.',
                   item.part, item.step));
    END LOOP;
    FOR item IN SELECT unnest(ARRAY['text', 'acoustic', 'fusion']) AS step LOOP
        EXECUTE format('COMMENT ON COLUMN chunk_sentiments.%I IS %L', item.step || '_reason',
            format('Why the step %s gives none.', item.step));
    END LOOP;
    -- Columns that pass through a view mean what they mean where they come from.
    FOR item IN
        SELECT above.attrelid::regclass AS of_view, above.attname AS name, said.text
        FROM (VALUES
            ('calls_done', 'calls'), ('calls_without_text', 'calls'), ('chunks_without_text', 'chunks'),
            ('steps_without_text', 'call_steps'), ('runs_without_text', 'runs'),
            ('attention_without_text', 'attention'), ('transcript_chunks', 'chunks'),
            ('daily_without_text', 'daily'), ('daily_agent_without_text', 'daily_agent'),
            ('topics_weekly_without_text', 'topics_weekly')
        ) AS pair (view_name, source_name)
        JOIN pg_attribute above ON above.attrelid = pair.view_name::regclass AND above.attnum > 0
            AND NOT above.attisdropped
        JOIN pg_attribute below ON below.attrelid = pair.source_name::regclass AND below.attname = above.attname
        CROSS JOIN LATERAL (SELECT col_description(below.attrelid, below.attnum)) AS said (text)
        WHERE col_description(above.attrelid, above.attnum) IS NULL AND said.text IS NOT NULL
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', item.of_view, item.name, item.text);
    END LOOP;
END
$do$;
