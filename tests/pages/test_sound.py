"""Whether a recording may be heard, and on which channel each side is."""

from __future__ import annotations

import pytest

from pages.sound import recording_of, roles_of_channels, sound_of, why_withheld
from pipeline.records import Role
from tests.pages.samples import shown_call, shown_chunk

CALL = shown_call(channels=2, container="wav", codec="pcm_s16le", etag="e", flags=("clipped",))


def test_the_recording_of_a_call_is_all_that_is_stored_of_it() -> None:
    recording = recording_of(CALL)
    for name in ("source_uri", "file_name", "etag", "container", "codec", "channels", "flags"):
        assert getattr(recording, name) == getattr(CALL, name)
    assert (recording.size_bytes, recording.modified_at) == (CALL.source_size_bytes, CALL.source_modified_at)


@pytest.mark.parametrize(
    ("spoken", "flags", "roles"),
    [
        ([(0, Role.CLIENT), (1, Role.AGENT), (0, Role.AGENT)], (), (Role.CLIENT, Role.AGENT)),
        ([(0, Role.UNKNOWN), (0, Role.CLIENT)], ("clipped",), (Role.CLIENT, Role.UNKNOWN)),
        ([(1, Role.AGENT)], (), (Role.UNKNOWN, Role.AGENT)),
        ([], (), (Role.UNKNOWN, Role.UNKNOWN)),
        ([(0, Role.CLIENT), (1, Role.AGENT)], ("clipped", "diarised"), ()),
        ([(0, Role.CLIENT), (1, Role.AGENT)], ("dual_mono",), ()),
        ([(0, Role.CLIENT)], ("not_diarised",), ()),
    ],
)
def test_who_speaks_on_each_channel(
    spoken: list[tuple[int, Role]], flags: tuple[str, ...], roles: tuple[Role, ...]
) -> None:
    chunks = [shown_chunk(float(n), n + 1.0, channel=channel, role=role) for n, (channel, role) in enumerate(spoken)]
    assert roles_of_channels(shown_call(flags=flags), chunks, 2) == roles


def test_what_a_page_plays() -> None:
    chunks = [shown_chunk(0.0, 1.0), shown_chunk(1.0, 2.0, channel=1, role=Role.AGENT)]
    gone = sound_of(CALL, chunks, lambda _: (), "/calls/x")
    assert gone.address is None
    assert gone.why_not == why_withheld(CALL, ())
    withheld = sound_of(CALL, chunks, lambda _: None, "/calls/x")
    assert withheld.address is None
    assert "redact_stored" in str(withheld.why_not)


@pytest.mark.parametrize(("channels", "apart"), [(None, ()), (1, ()), (2, (Role.CLIENT, Role.AGENT))])
def test_sides_are_heard_apart_where_there_are_two(
    tmp_path_factory: pytest.TempPathFactory, channels: int | None, apart: tuple[Role, ...]
) -> None:
    path = tmp_path_factory.mktemp("calls") / "a.wav"
    path.write_bytes(b"RIFF")
    call = shown_call(channels=channels, source_uri=path.as_uri(), source_size_bytes=4)
    chunks = [shown_chunk(0.0, 1.0), shown_chunk(1.0, 2.0, channel=1, role=Role.AGENT)]
    sound = sound_of(call, chunks, lambda _: (), "/calls/x")
    assert (sound.address, sound.waveform) == ("/calls/x/audio", "/calls/x/waveform.svg")
    assert sound.channels == apart
