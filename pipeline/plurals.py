"""Numbers before nouns: `1 hit`, `2 hits`."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """The number, thousands set off, and the noun in the form that goes with it; `plural` where it is irregular."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
