-- In which calls is nobody speaking for long?
SELECT file_name, round(c.silence_share::numeric, 2) AS silence_share, round(longest_silence_s::numeric) AS longest_s
FROM calls_done c WHERE c.silence_share IS NOT NULL ORDER BY c.silence_share DESC NULLS LAST, file_name LIMIT 3
