"""Versions of what models read: changed when the same input comes to mean other numbers."""

from __future__ import annotations

TEXT_FEATURE_VERSION = "1"
FUSION_FEATURE_VERSION = "1"
