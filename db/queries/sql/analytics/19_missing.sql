-- Which values are missing, and why?
SELECT key, value AS reason, count(*) AS calls FROM calls_done, jsonb_each_text(missing_reasons)
GROUP BY key, value ORDER BY calls DESC, key, reason LIMIT 4
