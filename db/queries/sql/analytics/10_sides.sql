-- How fast do the two sides speak, and how long are their turns?
SELECT role, count(*) AS calls, round(avg(words_per_minute)) AS words_per_minute, round(avg(longest_turn_s)) AS longest_s
FROM sides GROUP BY role ORDER BY role
