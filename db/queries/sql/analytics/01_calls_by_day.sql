-- How many calls a day, how long, and how many with an unhappy customer?
SELECT day, done AS calls, round(hours::numeric, 2) AS hours, round(mean_duration_s) AS mean_s, negative, with_mood
FROM daily ORDER BY day
