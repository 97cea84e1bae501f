-- Scorecards that calls have results of.
SELECT scorecard FROM scorecard_results GROUP BY 1 ORDER BY 1
