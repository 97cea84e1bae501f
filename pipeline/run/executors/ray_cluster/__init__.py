"""Workers of the claims as actors of a Ray cluster. Only `cluster.py` and `tasks.py` know Ray."""
