"""The channel doctor on sounds made for it, beside real (synthesised) speech, and on calls that are well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.audio.channels.music import activation
from pipeline.audio.channels.tones import ToneScan, find_ringing
from pipeline.config.areas.audio import AudioSettings, MusicSettings, ToneSettings
from pipeline.records import PreparedCall, PreparedChannel, Role
from tests.conftest import PROJECT
from tests.pipeline.audio.conftest import Prepare
from tests.pipeline.audio.sounds import RATE, Samples, float_wav, mu_law, music, silence, tone, write

FOUND = frozenset(
    {"key_tone", "ringing", "hold_music", "dual_mono", "clipped", "silent_channel", "silence", "dc_offset", "crosstalk"}
)
KEYS = {"1": (697, 1209), "5": (770, 1336), "9": (852, 1477), "#": (941, 1477), "D": (941, 1633)}
CADENCES = {
    "Europe": ((425,), (1.0, 4.0)),
    "United States": ((440, 480), (2.0, 4.0)),
    "United Kingdom": ((400, 450), (0.4, 0.2)),
    "busy": ((425,), (0.5, 0.5)),
    "dial tone": ((350, 440), (3.0, 0.5)),
}


def of_kind(channel: PreparedChannel, kind: str) -> list[tuple[float, float]]:
    return [(stretch.start_s, stretch.end_s) for stretch in channel.non_speech if stretch.kind == kind]


def overlap(channel: PreparedChannel, start: float, end: float) -> float:
    return sum(max(0.0, min(s.end_s, end) - max(s.start_s, start)) for s in channel.segments)


@pytest.mark.parametrize("name", CADENCES)
def test_ringing_is_found_burst_by_burst_and_kept_out(
    tmp_path: Path, prepare: Prepare, both_sides: tuple[Samples, Samples], name: str
) -> None:
    frequencies, (on, off) = CADENCES[name]
    bursts = [np.concatenate((tone(on, *frequencies), silence(off))) for _ in range(2)]
    ring = np.concatenate([silence(0.5), *bursts])
    client, agent = both_sides
    call = prepare(
        write(
            tmp_path / "a.wav",
            np.concatenate((mu_law(ring), client)),
            np.concatenate((silence(len(ring) / RATE), agent)),
            rate=8000,
        )
    )
    found = of_kind(call.channels[0], "ringing")
    assert len(found) == 2
    for index, (start, end) in enumerate(found):
        assert start == pytest.approx(0.5 + index * (on + off), abs=0.1)
        assert end == pytest.approx(start + on, abs=0.2)
    assert "ringing" in call.flags
    assert not call.channels[1].non_speech
    assert overlap(call.channels[0], 0.5, 0.5 + on) < 0.1
    assert call.channels[0].speech_s > 5


@pytest.mark.parametrize("level", [0.3, 0.05])
@pytest.mark.parametrize("press_s", [0.06, 0.3])
def test_keys_are_found_and_kept_out(
    tmp_path: Path, prepare: Prepare, speech: Samples, level: float, press_s: float
) -> None:
    presses = [np.concatenate((tone(press_s, *pair, amplitude=level), silence(0.1))) for pair in KEYS.values()]
    keys = np.concatenate([silence(0.5), *presses, silence(0.5)])
    call = prepare(
        write(tmp_path / "a.wav", np.concatenate((speech[: 10 * RATE], mu_law(keys))), silence(1), rate=8000)
    )
    found = of_kind(call.channels[0], "key_tone")
    assert len(found) == len(KEYS)
    for index, (start, end) in enumerate(found):
        assert start == pytest.approx(10.5 + index * (press_s + 0.1), abs=0.04)
        assert end - start == pytest.approx(press_s, abs=0.05)
    assert "key_tone" in call.flags
    assert sum(overlap(call.channels[0], start, end) for start, end in found) < 0.05


@pytest.mark.parametrize(
    ("frequencies", "heard"),
    [((697, 1209), True), ((697 * 1.035, 1209), False), ((697,), False), ((697, 1209, 2000), False)],
)
def test_only_pairs_of_the_standard_are_keys(frequencies: tuple[float, ...], heard: bool) -> None:
    scan = ToneScan(ToneSettings())
    scan.push(tone(0.2, *frequencies))
    assert bool(scan.key_tones()) is heard


@pytest.mark.parametrize(
    ("frequencies", "seconds", "heard"),
    [
        ((425,), 1.0, True),
        ((425,), 0.15, False),
        ((500,), 1.0, False),
        ((440, 480), 2.0, True),
        ((425, 1200), 1.0, False),
    ],
)
def test_only_tones_of_the_network_are_ringing(frequencies: tuple[float, ...], seconds: float, heard: bool) -> None:
    sound = np.concatenate((silence(1), tone(seconds, *frequencies), silence(1)))
    assert bool(find_ringing(sound, ToneSettings())) is heard


@pytest.mark.parametrize(("harmonics", "decay", "seed"), [(3, 0.3, 0), (8, 2.5, 1), (6, 1.0, 2)])
def test_hold_music_is_found_and_kept_out(  # noqa: PLR0917
    tmp_path: Path, prepare: Prepare, both_sides: tuple[Samples, Samples], harmonics: int, decay: float, seed: int
) -> None:
    hold = mu_law(music(15, harmonics, decay, seed) + silence(15, -50))
    client, agent = (side[: 20 * RATE] for side in both_sides)
    path = write(tmp_path / "a.wav", np.concatenate((client, hold)), np.concatenate((agent, silence(15))), rate=8000)
    call = prepare(path)
    ((start, end),) = of_kind(call.channels[0], "hold_music")
    assert 18.0 <= start <= 23.0
    assert 31.0 <= end <= 35.1
    assert "hold_music" in call.flags
    assert overlap(call.channels[0], start, end) == 0.0
    assert not call.channels[1].non_speech


def test_hum_and_noise_are_no_music() -> None:
    settings = MusicSettings()
    hum = sum(tone(20, 50.0 * k, amplitude=0.02) for k in range(1, 12))
    assert activation([np.asarray(hum + silence(20, -60))], settings).max() < settings.threshold
    assert activation([silence(20, -25)], settings).max() < settings.threshold


def test_the_samples_are_well(prepare: Prepare) -> None:
    for path in sorted((PROJECT / "samples" / "calls").iterdir()):
        if path.suffix != ".csv":
            assert set(prepare(path).flags) & (FOUND - {"dual_mono"}) == set(), path.name


@pytest.mark.data
def test_real_calls_raise_no_false_alarm(reference_data: Path, prepare: Prepare) -> None:
    paths = sorted((reference_data / "calls").rglob("*.wav")) + sorted((reference_data / "speech").rglob("*.wav"))
    assert len(paths) > 20
    for path in paths:
        assert set(prepare(path).flags) & FOUND == set(), path.name


COPIES: dict[str, Callable[[Samples], Samples]] = {
    "equal": lambda x: x,
    "quieter": lambda x: x * np.float32(0.6),
    "inverted": lambda x: -x,
    "later": lambda x: np.roll(x, 9),
    "coded anew": mu_law,
    "noisy": lambda x: x + silence(len(x) / RATE, -55, seed=4)[: len(x)],
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_transcribed_once(
    tmp_path: Path, prepare: Prepare, both_sides: tuple[Samples, Samples], name: str
) -> None:
    mixed = both_sides[0] + both_sides[1]
    call = prepare(write(tmp_path / "a.wav", mixed, COPIES[name](mixed)))
    first, second = call.channels
    assert second.same_as_channel == 0
    assert first.same_as_channel is None
    assert first.segments
    assert not second.segments
    assert "dual_mono" in call.flags
    assert [c.role for c in call.channels] == [Role.UNKNOWN, Role.UNKNOWN], "both sides are on it: no map can tell"


def test_a_channel_with_a_word_of_its_own_is_no_copy(tmp_path: Path, prepare: Prepare, speech: Samples) -> None:
    other = speech.copy()
    seconds = np.abs(speech[: len(speech) // RATE * RATE]).reshape(-1, RATE).mean(axis=1)
    quiet, loud = int(np.argmin(seconds)) * RATE, int(np.argmax(seconds)) * RATE
    other[quiet : quiet + RATE] += speech[loud : loud + RATE]
    call = prepare(write(tmp_path / "a.wav", speech, other))
    assert "dual_mono" not in call.flags


@pytest.mark.parametrize(("leak_db", "delay_s"), [(-20.0, 0.0), (-30.0, 0.2), (-15.0, 0.04)])
def test_what_leaks_from_the_other_side_is_not_transcribed_twice(
    tmp_path: Path, prepare: Prepare, both_sides: tuple[Samples, Samples], leak_db: float, delay_s: float
) -> None:
    clean = prepare(write(tmp_path / "clean.wav", *both_sides))
    strength, shift = np.float32(10 ** (leak_db / 20)), round(delay_s * RATE)
    client, agent = (
        side + strength * mu_law(np.roll(other, shift))[: len(side)]
        for side, other in zip(both_sides, reversed(both_sides), strict=True)
    )
    call = prepare(write(tmp_path / "leaking.wav", client, agent))
    assert "crosstalk" in call.flags
    for channel, expected in zip(call.channels, clean.channels, strict=True):
        assert channel.speech_s == pytest.approx(expected.speech_s, rel=0.15)


def test_speaking_at_the_same_time_is_no_crosstalk(
    tmp_path: Path, prepare: Prepare, both_sides: tuple[Samples, Samples]
) -> None:
    client, agent = both_sides
    over = np.roll(client, int(np.argmax(np.abs(agent))) - int(np.argmax(np.abs(client)))) * np.float32(0.15)
    alone = prepare(write(tmp_path / "alone.wav", over, silence(30)))
    call = prepare(write(tmp_path / "both.wav", over, agent))
    assert "crosstalk" not in call.flags
    assert call.channels[0].speech_s == alone.channels[0].speech_s


def test_crosstalk_is_no_copy(tmp_path: Path, prepare: Prepare, both_sides: tuple[Samples, Samples]) -> None:
    client, agent = both_sides
    call = prepare(write(tmp_path / "a.wav", client + agent * np.float32(0.1), agent + client * np.float32(0.1)))
    assert "dual_mono" not in call.flags


def test_speech_far_too_quiet_is_found_and_brought_up(
    tmp_path: Path, prepare: Prepare, both_sides: tuple[Samples, Samples]
) -> None:
    client, agent = both_sides
    normal = prepare(write(tmp_path / "normal.wav", client, agent))
    call = prepare(write(tmp_path / "quiet.wav", client * np.float32(0.02), agent, codec="pcm_f32le"))
    quiet, other = call.channels
    expected = normal.channels[0]
    assert quiet.flags == ("too_quiet",)
    assert not other.flags
    assert quiet.speech_s == pytest.approx(expected.speech_s, rel=0.1)
    assert quiet.rms_dbfs is not None
    assert expected.rms_dbfs is not None
    assert quiet.rms_dbfs == pytest.approx(expected.rms_dbfs - 34.0, abs=0.5)
    assert 20 < quiet.gain_db <= AudioSettings().gain.max_gain_db
    spooled = np.fromfile(quiet.samples_path, dtype="<f4")
    assert np.abs(spooled).max() == pytest.approx(min(1.0, quiet.peak * 10 ** (quiet.gain_db / 20)), rel=1e-3)


def test_flat_tops_are_flagged(tmp_path: Path, prepare: Prepare, both_sides: tuple[Samples, Samples]) -> None:
    call = prepare(write(tmp_path / "a.wav", np.clip(both_sides[0] * 12, -1, 1), both_sides[1]))
    assert [channel.flags for channel in call.channels] == [("clipped",), ()]


def test_an_offset_is_taken_out(tmp_path: Path, prepare: Prepare, both_sides: tuple[Samples, Samples]) -> None:
    call = prepare(write(tmp_path / "a.wav", both_sides[0] + np.float32(0.2), both_sides[1]))
    assert call.channels[0].flags == ("dc_offset",)
    assert abs(np.fromfile(call.channels[0].samples_path, dtype="<f4").mean()) < 1e-3
    assert call.channels[0].segments


def test_samples_over_full_scale_are_brought_down(tmp_path: Path, prepare: Prepare, speech: Samples) -> None:
    call = prepare(float_wav(tmp_path / "a.wav", (speech * 32768)[:, None]))
    assert "over_full_scale" in call.flags
    assert call.channels[0].gain_db < -60
    assert np.abs(np.fromfile(call.channels[0].samples_path, dtype="<f4")).max() <= 1.0
    assert call.channels[0].segments


def silent_call(folder: Path, speech: Samples) -> Path:
    return write(folder / "a.wav", silence(5, -90), silence(5, -90))


def silent_channel(folder: Path, speech: Samples) -> Path:
    return write(folder / "a.wav", speech, np.zeros(RATE, dtype=np.float32))


def noise_only(folder: Path, speech: Samples) -> Path:
    return write(folder / "a.wav", silence(5, -45), silence(5, -45, seed=1))


def mono(folder: Path, speech: Samples) -> Path:
    return write(folder / "a.wav", speech)


def three(folder: Path, speech: Samples) -> Path:
    return write(folder / "a.wav", speech, silence(1, -50), np.roll(speech, 5 * RATE))


def not_numbers(folder: Path, speech: Samples) -> Path:
    samples = np.stack((speech, silence(30, -90)), axis=1)
    samples[1000:1100, 0] = np.nan
    return float_wav(folder / "a.wav", samples)


@pytest.mark.parametrize(
    ("make", "flags", "transcribed"),
    [
        (silent_call, {"silence", "silent_channel", "roles_from_map"}, []),
        (silent_channel, {"silent_channel", "roles_from_map"}, [0]),
        (noise_only, {"no_speech", "roles_from_map"}, []),
        (mono, {"mono", "roles_unknown"}, [0]),
        (three, {"roles_unknown"}, [0, 2]),
        (not_numbers, {"non_finite_samples", "silent_channel", "roles_from_map"}, [0]),
    ],
)
def test_odd_calls_say_what_they_are(  # noqa: PLR0917
    tmp_path: Path,
    prepare: Prepare,
    speech: Samples,
    make: Callable[[Path, Samples], Path],
    flags: set[str],
    transcribed: list[int],
) -> None:
    call: PreparedCall = prepare(make(tmp_path, speech))
    assert set(call.flags) == flags
    assert [channel.channel for channel in call.channels if channel.segments] == transcribed
