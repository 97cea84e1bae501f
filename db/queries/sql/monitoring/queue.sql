-- Calls to be done: how many wait, since when the oldest waits, how many workers have, and how many of those are overdue.
SELECT count(*) FILTER (WHERE worker IS NULL) AS waiting,
       COALESCE(extract(epoch FROM now() - min(enqueued_at) FILTER (WHERE worker IS NULL)), 0)::double precision AS oldest_s,
       count(*) FILTER (WHERE worker IS NOT NULL AND lease_until >= now()) AS held,
       count(*) FILTER (WHERE worker IS NOT NULL AND lease_until < now()) AS overdue
FROM claims WHERE done_at IS NULL
