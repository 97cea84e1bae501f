-- Callbacks still to be delivered, and calls heard now.
SELECT (SELECT count(*) FROM jobs WHERE callback_due_at IS NOT NULL) AS callbacks,
       (SELECT count(*) FROM live_calls WHERE ended_at IS NULL) AS live_calls
