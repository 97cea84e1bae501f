-- Workers that gave a sign of life in the last seconds and have not ended, the newest sign first; and those that an error
-- ended a while ago.
SELECT host, started_at, extract(epoch FROM now() - heartbeat_at)::double precision AS silent_s, engine, model,
       demonstration, passed_over, providers, trouble
FROM workers
WHERE ended_at IS NULL AND heartbeat_at > now() - make_interval(secs => %(within_s)s)
   OR trouble IS NOT NULL AND ended_at > now() - make_interval(secs => %(troubled_s)s)
ORDER BY heartbeat_at DESC
