"""Moments of a call, as people read them."""

from __future__ import annotations


def clock(seconds: float) -> str:
    """A moment of a call: 0:05, 12:40, 1:02:03."""
    minutes, second = divmod(int(max(0.0, seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
