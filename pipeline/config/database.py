"""Where rows go: config.yaml's `database`."""

from __future__ import annotations

from pipeline.config.base import Area


class DatabaseSettings(Area):
    """Where rows go: config.yaml's `database`."""
