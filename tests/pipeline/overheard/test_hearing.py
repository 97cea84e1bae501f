"""Real audio: echo, rooms, codecs, mixes and mono copies of our sample calls, with the words of each channel."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
import soxr

from bench.materials.sound.overhearing import KINDS, Call, coded, in_a_room
from pipeline.audio.channels.likeness import Samples, copy_of, sound
from pipeline.overheard.compare import tell_apart
from pipeline.overheard.hearing import SpooledChannels
from pipeline.overheard.shared_words import MIN_LIKENESS
from pipeline.records import SAMPLE_RATE_HZ, AudioHeader, PreparedCall, PreparedChannel, Role, SegmentText
from tests.house import PROJECT

RATE = 8000
NAME = "20260914-113006_inbound_agent-4711_b2c_q-cards_lost-card"
LENGTH_S = 24
CLIENT, AGENT = 0, 1
Turn = tuple[int, float, float, str]


@functools.cache
def sample() -> tuple[Call, tuple[Turn, ...]]:
    """The beginning of a sample call at 8 kHz, and its turns."""
    samples, rate = soundfile.read(PROJECT / "samples" / "calls" / f"{NAME}.wav", dtype="float32", always_2d=True)
    call = soxr.resample(samples, rate, RATE).T[:, : LENGTH_S * RATE].astype(np.float32)
    content = json.loads((PROJECT / "samples" / "truth" / f"{NAME}.json").read_text(encoding="utf-8"))
    turns = tuple(
        (turn["channel"], turn["start_s"], turn["end_s"], turn["text"])
        for turn in content["turns"]
        if turn["end_s"] < LENGTH_S - 1.5
    )
    assert {turn[0] for turn in turns} == {CLIENT, AGENT}
    return call, turns


def prepared(folder: Path, call: Call, gains_db: Sequence[float] = (0.0, 0.0)) -> PreparedCall:
    """As the decoder leaves a call: raw samples at 16 kHz, gain applied."""
    channels = []
    for number, samples in enumerate(call):
        spooled = soxr.resample(samples, RATE, SAMPLE_RATE_HZ).astype("<f4") * np.float32(10 ** (gains_db[number] / 20))
        path = folder / f"channel_{number}.f32"
        path.write_bytes(spooled.astype("<f4").tobytes())
        channels.append(
            PreparedChannel(
                channel=number, role=(Role.CLIENT, Role.AGENT)[number], samples_path=path, samples=spooled.size,
                rms_dbfs=None, peak=1.0, gain_db=gains_db[number], speech_s=0.0, flags=(), segments=(),
            )
        )  # fmt: skip
    header = AudioHeader(container="wav", codec="pcm_s16le", sample_rate_hz=RATE, channels=2, duration_s=LENGTH_S)
    return PreparedCall(audio_sha256="a", header=header, duration_s=LENGTH_S, channels=tuple(channels), flags=())


def segments(turns: Sequence[Turn], overheard: Sequence[Turn]) -> list[SegmentText]:
    """Each turn as the recogniser gives it, without times of words."""
    counts = {CLIENT: 0, AGENT: 0}
    made = []
    for channel, start_s, end_s, text in sorted((*turns, *overheard), key=lambda turn: turn[1]):
        made.append(
            SegmentText(
                channel=channel, ordinal=counts[channel], start_s=start_s, end_s=end_s, text=text, language="en",
                confidence=0.9 - 0.1 * channel,
            )
        )  # fmt: skip
        counts[channel] += 1
    return made


def on_other_channel(turns: Sequence[Turn], source: int, delay_s: float) -> list[Turn]:
    return [(1 - c, start + delay_s, end + delay_s, text) for c, start, end, text in turns if c == source]


HEARD = {
    "clean": (),
    "echo 6 dB 20 ms": ((AGENT, 0.02),),
    "echo 6 dB 1 s": ((AGENT, 1.0),),
    "echo 10 dB 250 ms": ((AGENT, 0.25),),
    "echo 20 dB 600 ms": ((AGENT, 0.6),),
    "echo of the client, 8 dB 120 ms": ((CLIENT, 0.12),),
    "room 8 dB": ((AGENT, 0.06),),
    "room 14 dB": ((AGENT, 0.09),),
    "echo through a codec": ((AGENT, 0.18),),
    "mix on one side": ((AGENT, 0.0),),
    "mono copy, AMR": ((AGENT, 0.0), (CLIENT, 0.0)),
    "mono copy, mu-law": ((AGENT, 0.0), (CLIENT, 0.0)),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_sentence_stands_once(tmp_path: Path, kind: str) -> None:
    call, turns = sample()
    overheard = [turn for source, delay_s in HEARD[kind] for turn in on_other_channel(turns, source, delay_s)]
    found = tell_apart(segments(turns, overheard), {}, SpooledChannels(prepared(tmp_path, KINDS[kind](call, RATE))))
    left = [s for s in found.segments if s.text]
    assert sorted(s.text for s in left) == sorted(text for *_, text in turns)
    if kind.startswith("mono"):
        assert all("side_uncertain" in s.flags for s in left)
    else:
        said_by = {text: channel for channel, _, _, text in turns}
        assert {s.text: s.channel for s in left} == said_by
        assert {flag for s in left for flag in s.flags} == set()
    assert {s.flags for s in found.segments if not s.text} <= {("overheard",)}


def test_the_same_words_at_the_same_time_in_two_voices_stay(tmp_path: Path) -> None:
    """Both channels are said to have the words of the other, too; but each has its own sound."""
    call, turns = sample()
    agents = [turn for turn in turns if turn[0] == AGENT]
    clients = [turn for turn in turns if turn[0] == CLIENT]
    moved = call.copy()
    shift = round((clients[0][1] - agents[0][1]) * RATE)
    moved[CLIENT] = np.roll(call[CLIENT], -shift)  # both speak at once
    chorus = [(CLIENT, start, end, text) for _, start, end, text in agents[:2]]
    said = segments(agents[:2], chorus)
    found = tell_apart(said, {}, SpooledChannels(prepared(tmp_path, moved)))
    assert list(found.segments) == said


def test_gain_applied_by_us_does_not_make_an_echo_the_original(tmp_path: Path) -> None:
    call, turns = sample()
    made = KINDS["echo 6 dB 20 ms"](call, RATE)
    overheard = on_other_channel(turns, AGENT, 0.0)
    louder = prepared(tmp_path, made, (12.0, 0.0))
    found = tell_apart(segments(turns, overheard), {}, SpooledChannels(louder))
    assert sorted(s.text for s in found.segments if s.text) == sorted(text for *_, text in turns)
    assert {s.channel for s in found.segments if s.flags} == {CLIENT}


def stretch(channel: int, start_s: float, seconds: float) -> Samples:
    call, _ = sample()
    return call[channel, round(start_s * RATE) : round((start_s + seconds) * RATE)]


def at_16_khz(samples: Samples) -> Samples:
    return np.asarray(soxr.resample(samples, RATE, SAMPLE_RATE_HZ), dtype=np.float32)


@pytest.mark.parametrize("way", ["late", "room", "libopencore_amrnb", "pcm_mulaw", "noise"])
def test_a_copy_is_like_its_original_through_rooms_and_codecs(way: str) -> None:
    agent = next(turn for turn in sample()[1] if turn[0] == AGENT)
    original = stretch(AGENT, agent[1], 3.0)
    ways: dict[str, Callable[[], Samples]] = {
        "late": lambda: original,
        "room": lambda: in_a_room(original, RATE, 0.4),
        "noise": lambda: original + np.random.default_rng(1).normal(0, 0.003, original.size).astype(np.float32),
    }
    made = ways.get(way, lambda: coded(original, RATE, way))()
    source = np.pad(at_16_khz(original), (8000, 8000 + 4800))
    found = copy_of(source, np.pad(at_16_khz(made) * np.float32(0.5), (4800, 0)), 0.5)
    assert found is not None
    assert found.likeness > MIN_LIKENESS
    assert found.delay_s == pytest.approx(0.3, abs=0.06)
    assert found.louder_db == pytest.approx(6.0, abs=3.0)


def test_another_voice_is_not() -> None:
    turns = sample()[1]
    agent, client = (next(turn for turn in turns if turn[0] == side) for side in (AGENT, CLIENT))
    found = copy_of(
        np.pad(at_16_khz(stretch(AGENT, agent[1], 3.0)), (8000, 8000)), at_16_khz(stretch(CLIENT, client[1], 2.5)), 0.5
    )
    assert found is not None
    assert found.likeness < 0.12


@pytest.mark.parametrize("count", [0, 100, 511, 512, 1600])
def test_next_to_nothing_is_no_copy(count: int) -> None:
    silence = np.zeros(count, dtype=np.float32)
    assert sound(silence).fine.shape[1] == 108
    assert copy_of(np.pad(silence, (1600, 1600)), silence, 0.1) is None
    quiet = copy_of(np.zeros(20_000, dtype=np.float32), np.zeros(10_000, dtype=np.float32), 0.1)
    assert quiet is not None
    assert (quiet.likeness, quiet.louder_db) == (0.0, None)
