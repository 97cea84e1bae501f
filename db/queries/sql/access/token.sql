-- A token by its id, whether or not it is good, and whether its use is to be noted (once a minute).
SELECT token_id, name, secret_sha256, scopes, segments, queues, note, created_at, expires_at, revoked_at, last_used_at,
       last_used_from, coalesce(expires_at <= now(), false) AS expired,
       coalesce(last_used_at < now() - interval '1 minute', true) AS to_note
FROM access_tokens WHERE token_id = %(token_id)s
