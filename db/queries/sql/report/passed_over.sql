-- Language models that a run passed over, and why.
SELECT step, left(substring(reason FROM 'passed over: .*'), 300) AS reason, count(*) AS calls
FROM call_steps WHERE run_id = %(run_id)s AND reason LIKE '%%passed over: %%'
GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 20
