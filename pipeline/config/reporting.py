"""Logs, notifications, metrics: config.yaml's `reporting`."""

from __future__ import annotations

from pipeline.config.base import Area


class ReportingSettings(Area):
    """Logs, notifications, metrics: config.yaml's `reporting`."""
