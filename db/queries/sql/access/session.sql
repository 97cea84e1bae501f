-- A login that has not ended, with its token where it has one.
SELECT s.token_id, s.principal, t.name, t.scopes, t.segments, t.queues
FROM access_sessions s LEFT JOIN access_tokens t USING (token_id)
WHERE s.session_sha256 = %(session_sha256)s AND s.expires_at > now()
    AND (s.token_id IS NULL OR (t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())))
