"""Calls handed in over HTTP: taken in, followed, cancelled, told of when they are done."""
