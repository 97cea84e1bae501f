-- What the scorecards say of a call, scorecard by scorecard, in the order of their items.
SELECT a.scorecard, r.title, r.score, r.passed, a.item, a.question, a.answer, a.weight, a.critical, a.reason, a.quote,
    a.role, a.start_s
FROM scorecard_answers a JOIN scorecard_results r USING (call_id, scorecard)
WHERE a.call_id = %(call_id)s ORDER BY a.scorecard, a.place
