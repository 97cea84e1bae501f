"""Versions of the features models read. A version changes when the same input gives different numbers."""

from __future__ import annotations

TEXT_FEATURE_VERSION = "1"
ENCODED_FEATURE_VERSION = "1"
"""Of text models on the sentence encoder."""
FUSION_FEATURE_VERSION = "1"
