"""Who speaks on which channel: by file name or sidecar, by direction, by the configured map, else unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.config.areas.audio import AudioSettings
from pipeline.records import CallMetadata, Role


@dataclass(frozen=True, slots=True)
class ChannelRoles:
    """A role for each channel, and the flag that says where they came from."""

    roles: tuple[Role, ...]
    flag: str
    """`roles_from_metadata`, `roles_from_direction`, `roles_from_map` or `roles_unknown`."""


def assign_roles(
    channels: int, metadata: CallMetadata, settings: AudioSettings, both_sides_on_each: bool = False
) -> ChannelRoles:
    """Roles of `channels` channels.

    With `both_sides_on_each` (one channel and its copies), or a single channel, no map of two sides can tell them
    apart; a single channel has a role only where file name or sidecar name exactly one. Otherwise a map longer than
    the call has channels is read from its start; channels beyond a map are unknown.
    """
    named = metadata.channel_roles
    if both_sides_on_each or (channels < 2 and (named is None or len(named) != channels)):
        return ChannelRoles((Role.UNKNOWN,) * channels, "roles_unknown")
    if named is not None:
        return _named(channels, named, "roles_from_metadata")
    if metadata.direction is not None and metadata.direction in settings.channel_roles_by_direction:
        return _named(channels, settings.channel_roles_by_direction[metadata.direction], "roles_from_direction")
    if channels > len(settings.channel_roles):
        # A map made for two sides says nothing of a call with three channels.
        return ChannelRoles((Role.UNKNOWN,) * channels, "roles_unknown")
    return _named(channels, settings.channel_roles, "roles_from_map")


def _named(channels: int, roles: Sequence[Role], source: str) -> ChannelRoles:
    known = tuple(roles[:channels]) + (Role.UNKNOWN,) * (channels - len(roles))
    return ChannelRoles(known, source if any(role is not Role.UNKNOWN for role in known) else "roles_unknown")
