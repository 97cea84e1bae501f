-- Calls that are done, with what an evaluation of their transcripts needs.
SELECT array_remove(ARRAY[file_name, metadata ->> 'second_file'], NULL) AS file_names,
       CASE WHEN metadata ? 'second_file' THEN metadata ->> 'call_key' END AS call_key,
       duration_s, transcript_fingerprint, flags, (timings_s ->> 'recognise')::float AS recognised_in_s
FROM calls
WHERE status = 'done' AND transcript_fingerprint IS NOT NULL ORDER BY file_name
