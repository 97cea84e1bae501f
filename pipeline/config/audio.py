"""Decoding, channels and their roles, the channel doctor: config.yaml's `audio`."""

from __future__ import annotations

from pipeline.config.base import Area


class AudioSettings(Area):
    """Decoding, channels and their roles, the channel doctor: config.yaml's `audio`."""
