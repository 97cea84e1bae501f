"""What an analysis step depends on, as one hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Self

_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=str)


@dataclass(frozen=True, slots=True)
class Written:
    """A part as canonical JSON, written once for all calls: planning asks for the fingerprints of every call."""

    json: str

    @classmethod
    def of(cls, part: object) -> Self:
        return cls(_ENCODER.encode(part))


def fingerprint_of(*parts: object) -> str:
    """SHA-256 of the parts as canonical JSON (first 32 hex digits)."""
    canonical = f"[{', '.join(map(_written, parts))}]"
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def _written(part: object) -> str:
    if isinstance(part, Written):
        return part.json
    if part is None:
        return "null"
    return str(part) if type(part) is int else _ENCODER.encode(part)
