"""Workers of the claims as actors of a Ray cluster. Only `cluster.py` knows Ray."""
