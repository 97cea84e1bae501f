-- Whether a call was drawn for people to correct.
SELECT EXISTS (SELECT FROM watch_samples WHERE call_id = %(call_id)s)
