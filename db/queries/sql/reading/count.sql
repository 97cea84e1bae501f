-- Number of chosen calls, and the length of all of them together.
SELECT count(*) AS calls, coalesce(sum(duration_s), 0) AS duration_s, false AS more FROM chosen
