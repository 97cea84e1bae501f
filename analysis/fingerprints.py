"""What an analysis step depends on, as one hash."""

from __future__ import annotations

import hashlib
import json


def fingerprint_of(*parts: object) -> str:
    """SHA-256 of the parts as canonical JSON (first 32 hex digits)."""
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]
