-- What was said in a call, in time order.
SELECT channel, role, start_s, end_s, text FROM chunks
WHERE call_id = %(call_id)s::uuid ORDER BY start_s, channel, ordinal
