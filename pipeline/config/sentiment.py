"""Text, acoustic and fused sentiment: config.yaml's `sentiment`."""

from __future__ import annotations

from pipeline.config.base import Area


class SentimentSettings(Area):
    """Text, acoustic and fused sentiment: config.yaml's `sentiment`."""
