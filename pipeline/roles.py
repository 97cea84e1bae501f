"""Who speaks on a channel. Apart from `records`, whose records take longer to define than the command line to start."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """Who speaks on a channel."""

    AGENT = "agent"
    CLIENT = "client"
    UNKNOWN = "unknown"
