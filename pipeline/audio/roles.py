"""Who speaks on which channel: by file name or sidecar, its track, the direction, the configured map; else unknown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.config.areas.audio import AudioSettings
from pipeline.records import ROLES_UNKNOWN, CallMetadata, Direction, Role

_BETWEEN_PARTS = re.compile(r"[^\w\s']|_")
"""`Agent: Jane Roe` and `agent_4711` name a side in one of their parts; `customer service` does not."""
_GENERIC = frozenset(
    (
        "audio",
        "channel",
        "leg",
        "line",
        "mic",
        "microphone",
        "only",
        "party",
        "side",
        "speaker",
        "the",
        "track",
        "voice",
    )
)
_MIX = frozenset(("both", "combined", "conversation", "mix", "mixdown", "mixed"))
_CALLER, _CALLED = "caller", frozenset({"called", "callee"})
_OTHER = {Role.AGENT: Role.CLIENT, Role.CLIENT: Role.AGENT}


@dataclass(frozen=True, slots=True)
class ChannelRoles:
    """A role for each channel, and the flag that says where they came from."""

    roles: tuple[Role, ...]
    flag: str
    """`roles_from_metadata`, `roles_from_tracks`, `roles_from_direction`, `roles_from_map` or `roles_unknown`."""


def assign_roles(
    channels: int,
    metadata: CallMetadata,
    settings: AudioSettings,
    both_sides_on_each: bool = False,
    by_track: Sequence[Role | None] = (),
) -> ChannelRoles:
    """Roles of `channels` channels.

    With `both_sides_on_each` (one channel and its copies), or a single channel, no map of two sides can tell them
    apart; a single channel has a role only where file name, sidecar or its track name exactly one. Otherwise a map
    longer than the call has channels is read from its start; channels beyond a map are unknown.

    Args:
        by_track: for each channel the role its track names (`role_of_track`); where two tracks are the two sides, one
            name settles the other.
    """
    named = metadata.channel_roles
    if both_sides_on_each:
        return _unknown(channels)
    if named is not None and (channels > 1 or len(named) == 1):
        return _named(channels, named, "roles_from_metadata")
    if any(by_track):
        return _named(channels, _completed(by_track), "roles_from_tracks")
    if channels < 2:
        return _unknown(channels)
    if metadata.direction is not None and metadata.direction in settings.channel_roles_by_direction:
        return _named(channels, settings.channel_roles_by_direction[metadata.direction], "roles_from_direction")
    if channels > len(settings.channel_roles):
        # A map made for two sides says nothing of a call with three channels.
        return _unknown(channels)
    return _named(channels, settings.channel_roles, "roles_from_map")


def role_of_track(titles: Sequence[str], words: Mapping[str, Role], direction: Direction | None = None) -> Role | None:
    """The side that a track's titles name; None where they name none, or two.

    Args:
        words: role by word (`input.role_words`). A caller is the agent where `direction` is outbound.
    """
    found = {_role(part, words, direction) for title in titles for part in _parts(title)} - {None}
    return found.pop() if len(found) == 1 else None


def is_mix(titles: Sequence[str]) -> bool:
    """Whether a track's titles say that it holds both sides."""
    return any(part in _MIX for title in titles for part in _parts(title))


def _parts(title: str) -> list[str]:
    """The parts of a title in lower case, without numbers and words that say nothing."""
    parts = _BETWEEN_PARTS.split(title.lower())
    words = ([w for w in part.split() if w not in _GENERIC and not w.isdigit()] for part in parts)
    return [" ".join(part).removesuffix("'s") for part in words if part]


def _role(part: str, words: Mapping[str, Role], direction: Direction | None) -> Role | None:
    if direction is Direction.OUTBOUND and part == _CALLER:
        return Role.AGENT
    if part in _CALLED and part not in words:
        return {Direction.INBOUND: Role.AGENT, Direction.OUTBOUND: Role.CLIENT}.get(direction) if direction else None
    role = words.get(part) if len(part) > 1 else None  # "Audio A" is not the agent's
    return role if role in _OTHER else None


def _completed(by_track: Sequence[Role | None]) -> list[Role]:
    """Of two sides, one of which is named, the other is the other one."""
    known = [role for role in by_track if role is not None]
    other = _OTHER.get(known[0]) if len(by_track) == 2 and len(known) == 1 else None
    return [role or other or Role.UNKNOWN for role in by_track]


def _unknown(channels: int) -> ChannelRoles:
    return ChannelRoles((Role.UNKNOWN,) * channels, ROLES_UNKNOWN)


def _named(channels: int, roles: Sequence[Role], source: str) -> ChannelRoles:
    known = tuple(roles[:channels]) + (Role.UNKNOWN,) * (channels - len(roles))
    return ChannelRoles(known, source if any(role is not Role.UNKNOWN for role in known) else ROLES_UNKNOWN)
