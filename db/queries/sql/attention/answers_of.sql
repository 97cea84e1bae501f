-- The stored answers of some calls by one scorecard.
SELECT call_id::text, item, answer FROM scorecard_answers
WHERE scorecard = %(scorecard)s AND call_id = ANY(%(calls)s)
