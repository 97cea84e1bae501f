-- At which hours do calls come in?
SELECT extract(hour FROM started_at) AS hour, count(*) AS calls
FROM calls_done WHERE direction = 'inbound' GROUP BY 1 ORDER BY calls DESC, hour LIMIT 5
