-- The chosen recordings without a result, by state and kind of error, most frequent first.
SELECT status, error_type, count(*) AS calls, min(error_message) AS example,
       bool_or(coalesce(error_transient, false)) AS transient
FROM chosen WHERE error_type IS NOT NULL GROUP BY status, error_type ORDER BY calls DESC, status, error_type
