"""Calls handed in over HTTP: the tables `jobs` and `job_events`."""
