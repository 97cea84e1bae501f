"""Prompt injection: what somebody in a call says to whoever, or whatever, sums it up, and not to the other side."""
