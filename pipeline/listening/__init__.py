"""Recordings as people hear them: where they are now, what a browser can play, a picture of each channel."""
