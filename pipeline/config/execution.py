"""The run itself: workers, limits, retries, stop time: config.yaml's `run`."""

from __future__ import annotations

from pipeline.config.base import Area


class RunSettings(Area):
    """The run itself: workers, limits, retries, stop time: config.yaml's `run`."""
