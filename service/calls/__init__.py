"""Calls over the API: list, one call whole, its turns, transcript and recording, search, exports, erasure."""
