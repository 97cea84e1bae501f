"""Files of a run: config.yaml's `output`."""

from __future__ import annotations

from pipeline.config.base import Area


class OutputSettings(Area):
    """Files of a run: config.yaml's `output`."""
