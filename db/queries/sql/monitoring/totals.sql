-- What all workers have ever done, by name.
SELECT name, value FROM work_totals
