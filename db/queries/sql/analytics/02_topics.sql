-- What are calls about, and with which topics are customers unhappy?
SELECT topic, count(*) AS calls, count(*) FILTER (WHERE client_mood = 'negative') AS negative
FROM calls_done GROUP BY topic ORDER BY calls DESC, topic
