"""Who speaks on which channel, and how it is known."""

from __future__ import annotations

import pytest

from pipeline.audio.roles import assign_roles
from pipeline.config.areas.audio import AudioSettings
from pipeline.records import CallMetadata, Direction, Role

A, C, U = Role.AGENT, Role.CLIENT, Role.UNKNOWN
SETTINGS = AudioSettings(channel_roles_by_direction={Direction.OUTBOUND: (A, C)})


@pytest.mark.parametrize(
    ("channels", "named", "direction", "both_sides", "roles", "flag"),
    [
        (2, None, None, False, (C, A), "roles_from_map"),
        (2, None, Direction.INBOUND, False, (C, A), "roles_from_map"),
        (2, None, Direction.OUTBOUND, False, (A, C), "roles_from_direction"),
        (2, (A, C), None, False, (A, C), "roles_from_metadata"),
        (2, (C, A), Direction.OUTBOUND, False, (C, A), "roles_from_metadata"),
        (1, None, Direction.OUTBOUND, False, (U,), "roles_unknown"),
        (1, (A,), None, False, (A,), "roles_from_metadata"),
        (1, (A, C), None, False, (U,), "roles_unknown"),
        (2, (A, C), None, True, (U, U), "roles_unknown"),
        (3, None, None, False, (U, U, U), "roles_unknown"),
        (3, (C, A), None, False, (C, A, U), "roles_from_metadata"),
        (2, None, Direction.OUTBOUND, True, (U, U), "roles_unknown"),
        (2, (U, U), None, False, (U, U), "roles_unknown"),
    ],
)
def test_roles(  # noqa: PLR0917
    channels: int,
    named: tuple[Role, ...] | None,
    direction: Direction | None,
    both_sides: bool,
    roles: tuple[Role, ...],
    flag: str,
) -> None:
    metadata = CallMetadata(channel_roles=named, direction=direction)
    found = assign_roles(channels, metadata, SETTINGS, both_sides)
    assert found.roles == roles
    assert found.flag == flag


def test_a_map_of_three_serves_three_and_two_channels() -> None:
    settings = AudioSettings(channel_roles=(C, A, A))
    assert assign_roles(3, CallMetadata(), settings).roles == (C, A, A)
    assert assign_roles(2, CallMetadata(), settings).roles == (C, A)


@pytest.mark.parametrize(
    ("by_track", "roles", "flag"),
    [
        ((A, C), (A, C), "roles_from_tracks"),
        ((A, None), (A, C), "roles_from_tracks"),
        ((None, A), (C, A), "roles_from_tracks"),
        ((None, C), (A, C), "roles_from_tracks"),
        ((None, None), (C, A), "roles_from_map"),
        ((A, A), (A, A), "roles_from_tracks"),
        ((None, A, None), (U, A, U), "roles_from_tracks"),
        ((A, None, C), (A, U, C), "roles_from_tracks"),
        ((A,), (A,), "roles_from_tracks"),
    ],
)
def test_roles_by_the_names_of_tracks(by_track: tuple[Role | None, ...], roles: tuple[Role, ...], flag: str) -> None:
    """They go before the map, and after what the metadata say; of two sides one name tells both."""
    found = assign_roles(len(by_track), CallMetadata(), SETTINGS, by_track=by_track)
    assert (found.roles, found.flag) == (roles, flag)
    named = assign_roles(len(by_track), CallMetadata(channel_roles=(C,)), SETTINGS, by_track=by_track)
    assert named.roles == (C, *(U,) * (len(by_track) - 1))
    assert assign_roles(len(by_track), CallMetadata(), SETTINGS, True, by_track).roles == (U,) * len(by_track)
