"""Clauses of running speech: where a recogniser set no stop, or a comma in its place. English."""
