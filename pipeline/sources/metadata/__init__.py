"""What file names and sidecars say about a call."""
