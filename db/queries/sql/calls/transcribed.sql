-- Calls that are done, with what an evaluation of their transcripts needs.
SELECT file_name, duration_s, transcript_fingerprint, flags, (timings_s ->> 'recognise')::float AS recognised_in_s
FROM calls
WHERE status = 'done' AND transcript_fingerprint IS NOT NULL ORDER BY file_name
