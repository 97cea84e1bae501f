-- Recordings the database knows, by state.
SELECT status, count(*) AS calls FROM calls GROUP BY status
