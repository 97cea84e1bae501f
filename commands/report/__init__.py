"""The performance report: figures from a run's recorder and the database, and the page drawn from them."""
