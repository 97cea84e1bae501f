-- What each analysis step says of a call: whether it has a value, why not, and which model made it.
SELECT step, state, reason, provider, model, cost_usd, updated_at FROM call_steps
WHERE call_id = %(call_id)s ORDER BY step
