-- Calls whose roles the words told are not said to have unknown roles.
UPDATE calls c SET flags = array_remove(flags, 'roles_unknown')
WHERE 'roles_unknown' = ANY (flags) AND EXISTS (
    SELECT FROM transcript_chunks k WHERE k.transcript_fingerprint = c.transcript_fingerprint AND k.role <> 'unknown');
