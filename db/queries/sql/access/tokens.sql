-- All tokens, those that are good first.
SELECT token_id, name, secret_sha256, scopes, segments, queues, note, created_at, expires_at, revoked_at, last_used_at,
       last_used_from, coalesce(expires_at <= now(), false) AS expired, false AS to_note
FROM access_tokens ORDER BY revoked_at IS NOT NULL, coalesce(expires_at <= now(), false), created_at, token_id
