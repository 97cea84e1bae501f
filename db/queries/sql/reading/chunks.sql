-- What was said in a call, in order of time.
SELECT channel, ordinal, role, start_s, end_s, text, words, confidence, language, flags, speech,
       fusion_probabilities, text_probabilities, acoustic_probabilities
FROM chunks WHERE call_id = %(call_id)s ORDER BY start_s, channel, ordinal
