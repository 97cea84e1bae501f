-- Turns of a live call, in the order in which they were said.
SELECT channel AS track, ordinal, role, start_s, end_s, text, language, confidence, flags, mood, mood_reason
FROM live_turns WHERE session = %(session)s ORDER BY start_s, channel, ordinal
