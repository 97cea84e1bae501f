-- Rules that hold for the chosen calls, most calls first.
SELECT a.rule, max(a.title) AS title, bool_or(a.critical) AS critical, count(*) AS calls
FROM attention a JOIN chosen USING (call_id) GROUP BY a.rule ORDER BY critical DESC, calls DESC, a.rule
