-- The talk by quarters, which way a mood turned and at which line, and the line of the lowest point.
ALTER TABLE calls
    ADD COLUMN conversation_trends jsonb,
    ADD COLUMN mood_turned_to text CHECK (mood_turned_to IN ('better', 'worse')),
    ADD COLUMN mood_turned_line jsonb;
COMMENT ON COLUMN calls.conversation_trends IS
    'The talk in each quarter of the call: a list of {start_s, end_s, agent_talk_s, client_talk_s, silence_s, overtalk_s, '
    'agent_interruptions, client_interruptions, turns}; an interruption and a turn count where they begin. NULL where times '
    'are not known, and where the talk was measured by an earlier version.';
COMMENT ON COLUMN calls.mood_turned_by IS
    'Whose turn came right before the client''s mood changed for good; what a listener says (mm-hm) is none. NULL when it did not.';
COMMENT ON COLUMN calls.mood_turned_to IS
    'Which way: better or worse; NULL when it did not turn, and where an earlier version found the moods.';
COMMENT ON COLUMN calls.mood_turned_line IS
    'The last line of the turn that came before: {channel, chunk, start_s}, `chunk` being its ordinal within the channel.';
COMMENT ON COLUMN calls.sentiment_trends IS
    'By step and role: mean score (-1..1) in each quarter of the call, lowest score, where it is, and its line as {channel, chunk, start_s}.';
