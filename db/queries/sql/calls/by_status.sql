-- Number of calls by status, of all or of those last written by a run: reconciliation compares it with the folder.
SELECT status, count(*) FROM calls WHERE %(run_id)s::uuid IS NULL OR run_id = %(run_id)s GROUP BY status ORDER BY status
