-- The rules that hold for a call, critical and weighty ones first.
SELECT rule, title, reason, quote, role, start_s, weight, critical, occurrences FROM attention
WHERE call_id = %(call_id)s ORDER BY critical DESC, weight DESC, rule
