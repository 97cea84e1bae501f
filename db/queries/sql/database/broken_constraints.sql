-- Constraints that rows of an earlier version break: table, name, what they demand.
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint
WHERE contype = 'c' AND NOT convalidated AND connamespace = current_schema()::regnamespace
ORDER BY 1, 2
