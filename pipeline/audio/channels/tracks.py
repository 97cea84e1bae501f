"""Which channels of several audio tracks are the call's: placeholders without sound and copies are left out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from pipeline.audio.channels.channel import Channel

SILENT_TRACK = "silent_track"
_SIDES = 2


def of_the_call(
    channels: Sequence[Channel], named: Collection[int] = (), mixes: Collection[int] = ()
) -> tuple[list[Channel], set[str]]:
    """The channels to keep, numbered anew from 0, and flags for what was left out.

    Two tracks of one channel each are the two sides, also where one is silent or a copy of the other. Otherwise silent
    tracks are left out, and of the rest every channel that is silent, a copy or a mix, where two others remain.

    Args:
        channels: examined, of all tracks, copies marked.
        named: tracks known to be one side of the call: these are kept though silent, by their first channel.
        mixes: tracks known to hold both sides together.
    """
    tracks = sorted({channel.track for channel in channels})
    if len(tracks) == 1 or (len(tracks) == _SIDES and len(channels) == _SIDES):
        return list(channels), set()
    audible = {channel.track for channel in channels if not channel.silent}
    if not audible:
        return _numbered([channel for channel in channels if channel.track == tracks[0]]), {SILENT_TRACK}
    own = [channel for channel in channels if not channel.silent and channel.same_as is None]
    apart = [channel for channel in own if channel.track not in mixes]
    own = apart if len(apart) >= _SIDES else own
    quiet_sides = [
        next(channel for channel in channels if channel.track == track) for track in tracks
        if track in named and track not in audible
    ]  # fmt: skip
    if len(own) == 1 and not quiet_sides:
        own = [channel for channel in channels if channel.track == own[0].track]
    kept = sorted([*own, *quiet_sides], key=lambda channel: channel.channel)
    left_out = set(tracks) - audible - {channel.track for channel in kept}
    return _numbered(kept), {SILENT_TRACK} if left_out else set()


def _numbered(channels: Sequence[Channel]) -> list[Channel]:
    numbers = {channel.channel: number for number, channel in enumerate(channels)}
    return [
        replace(
            channel,
            channel=numbers[channel.channel],
            same_as=None if channel.same_as is None else numbers.get(channel.same_as),
        )
        for channel in channels
    ]
