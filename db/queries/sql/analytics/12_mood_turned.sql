-- Where did a customer's mood turn, and after whose words?
SELECT file_name, mood_turned_by, round(mood_turned_at_s::numeric) AS at_s
FROM calls_done WHERE mood_turned_at_s IS NOT NULL ORDER BY started_at
