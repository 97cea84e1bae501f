"""Several audio tracks in one file are the channels of one call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.audio.decoding.container import look_at
from pipeline.audio.decoding.ingest import ingest
from pipeline.audio.decoding.spool import read_range
from pipeline.audio.decoding.tracks import tracks_of
from pipeline.audio.roles import is_mix, role_of_track
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.sources import RAW_FORMATS, ROLE_WORDS
from pipeline.errors import AudioUndecodable
from pipeline.records import Direction, PreparedCall, Role
from pipeline.sources.probe import probe_header
from tests.pipeline.audio.conftest import Prepare
from tests.pipeline.audio.sounds import RATE, Samples, silence, tone
from tests.pipeline.audio.tracks import Made, mono, write_tracks

A, C, U = Role.AGENT, Role.CLIENT, Role.UNKNOWN
Tracks = Callable[[Samples, Samples], list[Made]]


def titled(sound: Samples, title: str, **values: object) -> Made:
    return Made((sound,), tags={"title": title}, **values)  # type: ignore[arg-type]


def nothing(seconds: float = 30.0) -> Samples:
    return np.zeros(round(seconds * RATE), dtype=np.float32)


TABLE: dict[str, tuple[Tracks, list[tuple[str, Role]], str]] = {
    # Tracks of client and agent, which sound each channel holds and who speaks on it, how it is known.
    "a track for each side": (lambda c, a: [*mono(c, a)], [("c", C), ("a", A)], "roles_from_map"),
    "titles name the sides": (
        lambda c, a: [titled(a, "Agent: Jane Roe"), titled(c, "Customer")],
        [("a", A), ("c", C)],
        "roles_from_tracks",
    ),
    "one title settles the other side": (
        lambda c, a: [Made((a,)), titled(c, "caller")],
        [("a", A), ("c", C)],
        "roles_from_tracks",
    ),
    "a language tag names the side": (
        lambda c, a: [Made((a,), tags={"language": "agent"}), Made((c,), tags={"language": "eng"})],
        [("a", A), ("c", C)],
        "roles_from_tracks",
    ),
    "a silent track, then a stereo one": (
        lambda c, a: [Made((nothing(), nothing())), Made((c, a))],
        [("c", C), ("a", A)],
        "roles_from_map",
    ),
    "a stereo track, then silent ones": (
        lambda c, a: [Made((c, a)), Made((nothing(),)), Made((silence(30, -90.0),))],
        [("c", C), ("a", A)],
        "roles_from_map",
    ),
    "a stereo track for each side": (
        lambda c, a: [Made((c, c)), Made((a, a))],
        [("c", C), ("a", A)],
        "roles_from_map",
    ),
    "a stereo track for each side, one channel of each silent": (
        lambda c, a: [Made((c, nothing())), Made((nothing(), a))],
        [("c", C), ("a", A)],
        "roles_from_map",
    ),
    "the same stereo track twice": (lambda c, a: [Made((c, a)), Made((c, a))], [("c", C), ("a", A)], "roles_from_map"),
    "a mix before its sides": (
        lambda c, a: [titled(np.float32(0.5) * (c + a), "Mix"), titled(c, "client"), titled(a, "agent")],
        [("c", C), ("a", A)],
        "roles_from_tracks",
    ),
    "one side said nothing": (lambda c, _: [*mono(c, nothing())], [("c", C), ("", A)], "roles_from_map"),
    "the silent side has a title": (
        lambda _, a: [titled(a, "operator"), titled(nothing(), "customer"), Made((nothing(),))],
        [("a", A), ("", C)],
        "roles_from_tracks",
    ),
    "a silent stereo track beside a mono one": (
        lambda c, _: [Made((nothing(), nothing())), Made((c,))],
        [("c", U)],
        "roles_unknown",
    ),
    "three speakers": (
        lambda c, a: [*mono(c, a, np.roll(c, RATE * 7))],
        [("c", U), ("a", U), ("other", U)],
        "roles_unknown",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_tracks_become_the_channels_of_one_call(
    name: str, tmp_path: Path, prepare: Prepare, both_sides: tuple[Samples, Samples]
) -> None:
    client, agent = both_sides
    tracks, expected, flag = TABLE[name]
    made = [Made(t.sounds, tags=t.tags, codec="pcm_s16le") for t in tracks(client, agent)]
    call = prepare(write_tracks(tmp_path / "a.mkv", *made, form="matroska"))
    assert [(held(call, n, client, agent), channel.role) for n, channel in enumerate(call.channels)] == expected
    assert [channel.channel for channel in call.channels] == list(range(len(expected)))
    assert {flag, "several_tracks"} <= set(call.flags)
    assert call.header.channels == len(expected)
    assert {channel.samples for channel in call.channels} == {round(call.duration_s * RATE)}
    assert ("silent_track" in call.flags) == (name in _WITH_PLACEHOLDER)
    for number, channel in enumerate(call.channels):
        assert bool(channel.segments) == (held(call, number, client, agent) != "")


_WITH_PLACEHOLDER = (
    "a silent track, then a stereo one",
    "a stereo track, then silent ones",
    "the silent side has a title",
    "a silent stereo track beside a mono one",
)


def held(call: PreparedCall, number: int, client: Samples, agent: Samples) -> str:
    """Which side a channel holds: c, a, other, or nothing."""
    samples = read_range(call.channels[number].samples_path, 0, len(client))
    if not np.abs(samples).max() > 0.01:
        return ""
    sides = {"c": client, "a": agent}
    return next((n for n, side in sides.items() if np.corrcoef(samples, side[: len(samples)])[0, 1] > 0.95), "other")


@pytest.mark.parametrize(("form", "codec"), [("mp4", "aac"), ("matroska", "libopus"), ("ogg", "libopus")])
@pytest.mark.parametrize("video", [False, True])
def test_tracks_of_other_lengths_rates_and_starts_share_one_clock(
    tmp_path: Path, form: str, codec: str, video: bool
) -> None:
    if form == "ogg" and video:
        pytest.skip("FFmpeg writes no such file")
    low = Made((tone(3.0, 440.0),), codec=codec)
    high = Made((tone(1.0, 1000.0),), rate=8000, starts_s=1.5, codec=codec)
    path = write_tracks(tmp_path / f"a.{form}", low, high, form=form, video=video)
    (tmp_path / "spool").mkdir()
    call = ingest(path, tmp_path / "spool", AudioSettings())
    first, second = (read_range(channel, 0, call.samples) for channel in call.paths)
    assert len(first) == len(second) == call.samples
    assert [track.sample_rate_hz for track in call.tracks] == ([48_000, 48_000] if codec == "libopus" else [RATE, 8000])
    for samples, start_s, end_s in ((first, 0.0, 3.0), (second, 1.5, 2.5)):
        loud = np.flatnonzero(np.abs(samples) > 0.05) / RATE
        assert (loud[0], loud[-1]) == (pytest.approx(start_s, abs=0.01), pytest.approx(end_s, abs=0.01))
    header = probe_header(path)
    assert header.duration_s is not None
    assert (header.channels, header.duration_s >= 2.99) == (2, True)


def test_a_side_that_ends_long_before_the_other_is_flagged(tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "a.mkv", *mono(tone(9.0, 440.0), tone(4.0, 900.0), codec="flac"), form="matroska")
    (tmp_path / "spool").mkdir()
    assert ingest(path, tmp_path / "spool", AudioSettings()).flags == {"several_tracks", "sides_differ_in_length"}


@pytest.mark.parametrize("broken", [0, 1])
@pytest.mark.parametrize(
    ("form", "codec", "known", "unknown"),
    [
        ("mp4", "libopus", b"Opus", b"ZZZZ"),
        ("matroska", "libopus", b"A_OPUS", b"A_ZZZZ"),
        ("mp4", "alac", b"alac", b""),
    ],
)
def test_a_track_that_cannot_be_decoded_is_flagged_and_never_silently_missing(  # noqa: PLR0917
    tmp_path: Path, prepare: Prepare, both_sides: tuple[Samples, Samples], form: str, codec: str, known: bytes,
    unknown: bytes, broken: int,
) -> None:  # fmt: skip
    path = write_tracks(tmp_path / "a.m4a", *mono(*both_sides, codec=codec), form=form)
    content = bytearray(path.read_bytes())
    places = [place for place in range(len(content)) if content.startswith(known, place)]
    each = 1 if unknown else 2  # ALAC's description and its cookie, which must agree
    for place in places[each * broken :][:each]:
        content[place : place + len(known)] = unknown or b"ZZZZ"
    path.write_bytes(content)
    call = prepare(path)
    assert "undecodable_track" in call.flags
    assert f"a.m4a, audio track {broken + 1}: " in call.notes["undecodable_track"]
    assert [channel.role for channel in call.channels] == [C, A], "the side that is there keeps its role"
    assert [bool(channel.segments) for channel in call.channels] == [broken == 1, broken == 0]
    assert "mono" not in call.flags


def test_a_recording_none_of_whose_tracks_can_be_decoded_fails_with_the_reason(
    tmp_path: Path, prepare: Prepare
) -> None:
    path = write_tracks(tmp_path / "a.mkv", *mono(tone(2, 440.0), tone(2, 900.0), codec="libopus"), form="matroska")
    path.write_bytes(path.read_bytes().replace(b"A_OPUS", b"A_ZZZZ"))
    with pytest.raises(AudioUndecodable, match=r"a\.mkv"):
        prepare(path)


def test_a_track_without_any_sound_is_a_silent_one(
    tmp_path: Path, prepare: Prepare, both_sides: tuple[Samples, Samples]
) -> None:
    path = write_tracks(
        tmp_path / "a.mkv", Made((silence(0.0),), codec="pcm_s16le"), Made(both_sides, codec="pcm_s16le"),
        form="matroska",
    )  # fmt: skip
    call = prepare(path)
    assert [channel.role for channel in call.channels] == [C, A]
    assert all(channel.segments for channel in call.channels)


def test_more_channels_than_a_call_has_are_refused_only_where_they_differ(
    tmp_path: Path, prepare: Prepare, both_sides: tuple[Samples, Samples]
) -> None:
    """A screen recorder writes six stereo tracks, most of them silent."""
    empty = [Made((nothing(2.0), nothing(2.0)), codec="pcm_s16le")] * 5
    call = prepare(
        write_tracks(tmp_path / "a.mkv", Made(both_sides, codec="pcm_s16le"), *empty, form="matroska")
    )  # fmt: skip
    assert len(call.channels) == 2
    tones = [Made((tone(2.0, 200.0 + 100 * n),), codec="pcm_s16le") for n in range(9)]
    with pytest.raises(AudioUndecodable, match=r"9 channels in 9 tracks, more than audio\.max_channels"):
        prepare(write_tracks(tmp_path / "b.mkv", *tones, form="matroska"))


@pytest.mark.parametrize(
    ("title", "direction", "role"),
    [
        ("agent", None, A),
        ("Agent (4711)", None, A),
        ("agent_4711", None, A),
        ("Agent's voice", None, A),
        ("Audio track: customer", None, C),
        ("customer service", None, None),
        ("Customer / Agent", None, None),
        ("caller", None, C),
        ("caller", Direction.OUTBOUND, A),
        ("callee", None, None),
        ("callee", Direction.INBOUND, A),
        ("callee", Direction.OUTBOUND, C),
        ("Agentin", None, A),
        ("1: conseillère", None, A),
        ("Conseillère", None, A),
        ("Kunde", None, C),
        ("زبون", None, C),
        ("Audio A", None, None),
        ("SoundHandler", None, None),
        ("eng", None, None),
        ("unknown", None, None),
        ("", None, None),
    ],
)
def test_titles_of_tracks(title: str, direction: Direction | None, role: Role | None) -> None:
    assert role_of_track((title, "SoundHandler", "und"), ROLE_WORDS, direction) is role


@pytest.mark.parametrize(("title", "mix"), [("Mix", True), ("agent + customer (mixed)", True), ("Mixer agent", False)])
def test_a_mix_is_told_by_its_title(title: str, mix: bool) -> None:
    assert is_mix((title,)) is mix


@pytest.mark.parametrize(
    ("name", "channels", "silent_track"), [("two_tracks.m4a", 2, False), ("silent_first_then_stereo.mp4", 2, True)]
)
def test_both_sides_of_the_reference_cases(
    reference_data: Path, prepare: Prepare, name: str, channels: int, silent_track: bool
) -> None:
    call = prepare(reference_data / "cases" / "audio" / name)
    assert len(call.channels) == channels
    assert all(channel.segments for channel in call.channels)
    assert [channel.role for channel in call.channels] == [C, A]
    assert ("silent_track" in call.flags) == silent_track


@pytest.mark.parametrize("count", [64, 65])
def test_more_tracks_than_any_call_has_are_refused(tmp_path: Path, count: int) -> None:
    path = write_tracks(tmp_path / "a.mka", *[Made((tone(0.1, 300.0),), codec="pcm_s16le")] * count, form="matroska")
    if count > 64:
        with pytest.raises(AudioUndecodable, match="65 audio tracks; no call has more than 64"):
            tracks_of(path, look_at(path, RAW_FORMATS))
    else:
        assert [track.number for track in tracks_of(path, look_at(path, RAW_FORMATS))] == list(range(64))
