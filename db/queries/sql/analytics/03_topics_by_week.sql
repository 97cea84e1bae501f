-- Which topics grew since the week before?
SELECT week, topic, calls, calls_before, change FROM topics_weekly ORDER BY week DESC, change DESC, topic LIMIT 5
