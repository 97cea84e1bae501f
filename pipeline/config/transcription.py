"""Engines, trust gates, text rules: config.yaml's `transcription`."""

from __future__ import annotations

from pipeline.config.base import Area


class TranscriptionSettings(Area):
    """Engines, trust gates, text rules: config.yaml's `transcription`."""
