"""Numbers before nouns: `1 hit`, `2 hits`."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """The number with thousands separators, and the noun in singular or plural; `plural` for an irregular one."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
