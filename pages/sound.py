"""Whether a call's recording may be heard, and how the page plays it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from db.queries.reading import ShownCall, ShownChunk
from pages.call_page import Sound
from pipeline.listening.recordings import StoredRecording, why_gone
from pipeline.records import Role, SpeechSpan

SHARED_CHANNEL = frozenset({"diarised", "not_diarised", "dual_mono"})
"""Flags of calls whose sides cannot be heard apart."""
Quiet = Callable[[ShownCall], tuple[SpeechSpan, ...] | None]
"""Stretches of a call, seconds, in which nothing may be heard; None where that cannot be told."""


def sound_of(call: ShownCall, chunks: Sequence[ShownChunk], quiet: Quiet, address: str) -> Sound:
    """What the page of a call plays; `address` is the call's own."""
    why_not = why_withheld(call, quiet(call))
    if why_not is not None:
        return Sound(address=None, why_not=why_not)
    roles = roles_of_channels(call, chunks, call.channels or 0)
    return Sound(
        address=f"{address}/audio",
        waveform=f"{address}/waveform.svg",
        channels=roles if len(roles) > 1 else (),
    )


def why_withheld(call: ShownCall, quiet: tuple[SpeechSpan, ...] | None) -> str | None:
    """Why the recording cannot be heard; None where it can, but for the stretches `quiet`."""
    if quiet is None:
        return (
            "The recording is withheld: personal data is removed from stored text (redaction.redact_stored), and no "
            "transcript says where it is heard in the sound."
        )
    return why_gone(recording_of(call))


def recording_of(call: ShownCall) -> StoredRecording:
    return StoredRecording(
        source_uri=call.source_uri,
        file_name=call.file_name,
        size_bytes=call.source_size_bytes,
        modified_at=call.source_modified_at,
        etag=call.etag,
        container=call.container,
        codec=call.codec,
        channels=call.channels,
        flags=call.flags,
    )


def roles_of_channels(call: ShownCall, chunks: Sequence[ShownChunk], channels: int) -> tuple[Role, ...]:
    """Who speaks on each channel, by what was said there; empty where the sides share a channel."""
    if SHARED_CHANNEL & set(call.flags):
        return ()
    spoken: dict[int, Role] = {}
    for chunk in chunks:
        if spoken.setdefault(chunk.channel, chunk.role) is Role.UNKNOWN:
            spoken[chunk.channel] = chunk.role
    return tuple(spoken.get(channel, Role.UNKNOWN) for channel in range(channels))
