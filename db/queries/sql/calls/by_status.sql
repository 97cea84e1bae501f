-- Calls by status, of all or of those a run wrote last: what reconciliation compares with the folder.
SELECT status, count(*) FROM calls WHERE %(run_id)s::uuid IS NULL OR run_id = %(run_id)s GROUP BY status ORDER BY status
