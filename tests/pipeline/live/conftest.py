"""Keys for live calls."""

from __future__ import annotations

from tests.encrypting import key_file, keys_here

__all__ = ["key_file", "keys_here"]
