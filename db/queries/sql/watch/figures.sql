-- Word error rates by night, oldest first: of all calls, or of all engines, models and agents as well.
SELECT night, kind, name, calls, words, errors, wer, low, high FROM watch_figures
WHERE night >= %(since)s AND (kind = 'all' OR NOT %(all_only)s)
ORDER BY night, kind, name
