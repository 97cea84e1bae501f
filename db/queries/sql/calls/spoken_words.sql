-- Words of a sample of what was said, with how many chunks hold them: what a mistyped word may have meant.
SELECT word, ndoc AS chunks
FROM ts_stat(format(
    'SELECT to_tsvector(''pg_catalog.simple'', text) FROM transcript_chunks TABLESAMPLE SYSTEM (%%s) LIMIT %%s',
    least(100, 100.0 * %(chunks)s / greatest(1, (
        SELECT reltuples FROM pg_class WHERE oid = 'transcript_chunks'::regclass))),
    %(chunks)s))
