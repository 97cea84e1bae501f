"""Where calls come from: config.yaml's `input`."""

from __future__ import annotations

from pipeline.config.base import Area


class InputSettings(Area):
    """Where calls come from: config.yaml's `input`."""
