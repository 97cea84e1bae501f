"""`run.py ask`: questions across calls, and the index they are looked for in."""
