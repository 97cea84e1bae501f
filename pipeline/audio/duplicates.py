"""Channels that are copies of each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.config.audio import DoctorSettings

if TYPE_CHECKING:
    from pipeline.audio.channel import Channel


def find_copies(channels: Sequence[Channel], settings: DoctorSettings) -> None:
    """Set `same_as` on each channel that is a copy of an earlier one."""
