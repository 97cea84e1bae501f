"""Finding speech: config.yaml's `voice_activity`."""

from __future__ import annotations

from pipeline.config.base import Area


class VoiceActivitySettings(Area):
    """Finding speech: config.yaml's `voice_activity`."""
