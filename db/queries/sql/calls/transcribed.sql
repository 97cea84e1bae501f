-- Calls that are done, with what an evaluation of their transcripts needs.
SELECT call_id::text, file_name, duration_s, language, asr_engine AS engine, flags FROM calls
WHERE status = 'done' ORDER BY file_name
