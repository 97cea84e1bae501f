-- Why rules could not be judged for a call, and how many for each reason; a rule that does not apply is no loss.
SELECT why.value AS reason, count(*) AS rules
FROM call_steps s, jsonb_each_text(s.payload -> 'not_judged') AS why
WHERE s.call_id = %(call_id)s AND s.step = 'rules' AND why.value NOT LIKE 'does not apply%%'
GROUP BY 1 ORDER BY 2 DESC, 1
