-- Calls handed in, by state.
SELECT state, count(*) AS jobs FROM jobs GROUP BY state
