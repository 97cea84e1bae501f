"""Personal data: config.yaml's `redaction`."""

from __future__ import annotations

from pipeline.config.base import Area


class RedactionSettings(Area):
    """Personal data: config.yaml's `redaction`."""
