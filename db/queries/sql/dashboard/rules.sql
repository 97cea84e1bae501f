-- Rules that hold for the chosen calls, most calls first.
SELECT m.rule, max(m.title) AS title, bool_or(m.critical) AS critical, count(*) AS calls
FROM rule_matches m JOIN chosen c USING (call_id)
WHERE c.status <> 'skipped' GROUP BY m.rule ORDER BY critical DESC, calls DESC, m.rule
