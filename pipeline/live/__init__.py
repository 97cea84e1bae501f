"""Calls heard while they are held: tracks in, turns out, the recording kept. Knows nothing of HTTP."""
