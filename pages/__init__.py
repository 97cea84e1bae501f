"""The reading room: pages about calls, the same when they are served and when they are written to a folder."""
