-- What was said in a call, in order of time. Word times only where nothing better tells when somebody speaks.
SELECT channel, ordinal, role, start_s, end_s, text, CASE WHEN speech IS NULL THEN words END AS words, confidence, language, flags, speech,
       fusion_probabilities, text_probabilities, acoustic_probabilities
FROM chunks WHERE call_id = %(call_id)s ORDER BY start_s, channel, ordinal
