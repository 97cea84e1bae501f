-- How often does each rule hold, and in what share of calls?
SELECT rule, count(*) AS calls, round(100.0 * count(*) / (SELECT count(*) FROM calls_done)) AS percent
FROM attention GROUP BY rule ORDER BY calls DESC, rule
