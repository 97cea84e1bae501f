-- Which items of the scorecard are missed most?
SELECT question, count(*) FILTER (WHERE answer = 'no') AS missed, count(*) FILTER (WHERE answer <> 'n/a') AS calls
FROM scorecard_answers GROUP BY place, question ORDER BY missed DESC, place LIMIT 4
