-- Calls that can be drawn for people to correct: transcribed by these runs, somebody speaks, never drawn before.
SELECT c.call_id::text, c.transcript_fingerprint, t.engine, t.model, c.agent_id,
       EXISTS (SELECT FROM transcript_chunks k WHERE k.transcript_fingerprint = c.transcript_fingerprint
                   AND k.flags && %(doubtful)s::text[]) AS doubtful
FROM calls c JOIN transcripts t ON t.fingerprint = c.transcript_fingerprint
WHERE c.run_id IN (SELECT run_id FROM runs WHERE run_id = %(run_id)s::uuid
                       OR started_at > now() - make_interval(secs => %(within_s)s))
    AND c.status = 'done' AND NOT t.demonstration
    AND EXISTS (SELECT FROM transcript_chunks k WHERE k.transcript_fingerprint = c.transcript_fingerprint)
    AND NOT EXISTS (SELECT FROM watch_samples w WHERE w.call_id = c.call_id)
ORDER BY c.call_id
