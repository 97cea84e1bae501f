"""Who speaks on a channel. Apart from `records`, whose records take longer to define than the command line to start."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """Who speaks on a channel."""

    AGENT = "agent"
    CLIENT = "client"
    UNKNOWN = "unknown"


ROLE_NAMES: Mapping[Role, str] = {Role.CLIENT: "Customer", Role.AGENT: "Agent", Role.UNKNOWN: "Speaker"}
"""For people. Settings, columns and files for programs have the roles themselves."""
