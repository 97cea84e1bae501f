"""The HTTP service: the reading room's pages, the API, live calls."""
