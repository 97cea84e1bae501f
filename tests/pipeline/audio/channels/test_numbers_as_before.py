"""What each measure of the doctor says of made sounds, over its limits and at them, as it did before."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.audio.channels import channel as of_channel
from pipeline.audio.channels import crosstalk, duplicates, echo, frames, likeness, music, tones
from pipeline.audio.channels.channel import Channel
from pipeline.audio.decoding.sink import IngestedChannel
from pipeline.audio.decoding.spool import read_range
from pipeline.audio.segments import Interval
from pipeline.config.areas.audio import AudioSettings, CrosstalkSettings, DoctorSettings, MusicSettings, ToneSettings
from tests.pinned import assert_pinned
from tests.pipeline.audio.channels.made import channels_of, later, noise
from tests.pipeline.audio.sounds import RATE, Samples, mu_law, silence, tone
from tests.pipeline.audio.sounds import music as melody

TONES, MUSIC = ToneSettings(), MusicSettings()


def told(values: Any, digits: int = 3) -> str:
    """Numbers with so many decimals, and what kind of array they come from."""
    array = np.asarray(values)
    rounded = " ".join(
        f"{round(value, digits) + 0.0:.{digits}f}" if array.dtype.kind == "f" else str(int(value))
        for value in array.ravel()
    )
    return f"{array.dtype}{list(array.shape)}: {rounded}"


def lines_of(lines: Iterable[str]) -> str:
    """Without the sign of a zero, which no processor owes."""
    return re.sub(r"(?<![\d.])-(0\.0+)(?!\d)", r"\1", "\n".join(lines))


def spans(found: Iterable[Interval]) -> str:
    return " ".join(f"{span.start}-{span.end}" for span in found) or "none"


def put(sound: Samples, start_s: float, part: Samples) -> Samples:
    whole = sound.copy()
    whole[round(start_s * RATE) : round(start_s * RATE) + len(part)] += part
    return whole


def in_blocks(samples: Samples, size: int) -> list[Samples]:
    return [samples[start : start + size] for start in range(0, len(samples), size)]


def lines_of_frames() -> Iterable[str]:
    stream = frames.SpectrumStream(64, 16, -30.0)
    sound = np.concatenate((tone(0.01, 1000.0), silence(0.005), tone(0.01, 2125.0, 3000.0), tone(0.005, 500.0) * 0.3))
    for block in in_blocks(np.asarray(sound, np.float32), 130):
        loud, spectra = stream.push(block)
        yield f"loud {told(loud)}, spectra {spectra.dtype}{list(spectra.shape)} {told(spectra.sum(axis=0)[:16], 4)}"
        if len(spectra):
            best, hz = frames.peak_hz(spectra, stream.bins(400, 3200), stream.bin_hz)
            yield f"  peaks {told(best)}, {told(hz, 0)}, around {told(frames.around(spectra, best, 1), 4)}"
    for band in ((250.0, 500.0), (251.0, 499.0), (0.0, 8000.0)):
        yield f"bins {band} {stream.bins(*band)}"
    flat = np.ones((2, 5), np.float32)
    around = frames.around(flat, np.array([0, 4]), 2)
    yield f"flat {told(frames.peak_hz(flat, slice(0, 5), 10.0)[1], 1)}, {told(around)}"
    for wanted in ([], [0], [1], [1, 1, 0, 1], [0, 1, 1, 0, 0, 1]):
        yield f"runs {wanted} {frames.runs(np.array(wanted, dtype=np.bool_))}"


def keys_in(sound: Samples, settings: ToneSettings = TONES) -> str:
    scan = tones.ToneScan(settings)
    for block in in_blocks(sound, 3000):
        scan.push(block)
    return f"{spans(scan.key_tones())}; candidates {spans(scan.ringing_candidates())}"


def lines_of_keys() -> Iterable[str]:
    line = silence(0.5)
    for low in tones.KEY_LOW_HZ:
        yield f"{low:.0f} " + " | ".join(
            keys_in(put(line, 0.1, tone(0.2, low, high))).partition(";")[0] for high in tones.KEY_HIGH_HZ
        )
    for off in (0.015, 0.019, 0.021, 0.03):
        yield f"off by {off}: " + " | ".join(
            keys_in(put(line, 0.1, tone(0.2, low, high)))
            for low, high in ((697.0 * (1 + off), 1209.0), (941.0, 1633.0 * (1 - off)))
        )
    for twist in (-13, -11.5, -6, 6, 11.5, 13):
        louder = tone(0.2, 770.0, amplitude=0.05) + tone(0.2, 1477.0, amplitude=0.05 * 10 ** (twist / 20))
        yield f"twist {twist}: {keys_in(put(line, 0.1, louder))}"
    for level in (-40, -30, -26, -24, -20):
        yield f"noise {level}: {keys_in(put(line, 0.1, tone(0.2, 697.0, 1209.0) + silence(0.2, level, seed=1)))}"
    for hum in (60.0, 99.0, 120.0):
        yield f"hum {hum}: {keys_in(put(line, 0.1, tone(0.2, 697.0, 1209.0) + tone(0.2, hum)))}"
    for first, second in (((0, 1), (1, 0)), ((0, 3), (3, 0)), ((1, 2), (1, 2)), ((3, 3), (2, 3))):
        pair = [tone(0.15, tones.KEY_LOW_HZ[row], tones.KEY_HIGH_HZ[column]) for row, column in (first, second)]
        yield f"{first} and at once {second}: {keys_in(put(line, 0.1, np.concatenate(pair)))}"
    for length in (0.03, 0.048, 0.06, 0.08, 0.4):
        yield f"{length} s: {keys_in(put(line, 0.05, tone(length, 697.0, 1209.0)))}"
    yield f"quiet: {keys_in(put(line, 0.1, tone(0.2, 697.0, 1209.0, amplitude=0.004)))}"
    yield f"nothing heard: {keys_in(np.zeros(0, np.float32))}"
    yield f"no ringing known: {keys_in(tone(0.5, 425.0), ToneSettings(ringing_frequencies_hz=()))}"


def lines_of_ringing() -> Iterable[str]:
    line = silence(2.0)

    def ringing(part: Samples, settings: ToneSettings = TONES) -> str:
        sound = put(line, 0.5, part)
        return f"{spans(tones.find_ringing(sound, settings))}; {keys_in(sound)}"

    for frequencies in ((425.0,), (440.0, 480.0), (350.0, 440.0), (440.0, 600.0), (480.0, 620.0), (425.0, 850.0)):
        yield f"{frequencies}: {ringing(tone(1.0, *frequencies))}"
    for off in (-20, -9, -7, 7, 9, 20):
        yield f"off by {off} Hz: " + ringing(tone(1.0, 350.0 + off, 440.0))
    for weaker in (14.0, 14.9, 15.1, 16.0):
        both = tone(1.0, 350.0) + tone(1.0, 440.0) * np.float32(10 ** (-weaker / 20))
        yield f"one weaker by {weaker}: {ringing(both)}"
    for length in (0.2, 0.34, 0.36, 0.45, 0.6):
        yield f"{length} s: {ringing(tone(length, 425.0))}"
    for depth in (0.1, 0.3, 0.5, 0.6, 0.7):
        swell = 1.0 + depth * np.sin(2 * np.pi * 2.0 * np.arange(RATE) / RATE)
        yield f"swelling by {depth}: {ringing(np.asarray(tone(1.0, 425.0) * swell, np.float32))}"
    for level in (-40, -30, -26, -22):
        yield f"noise {level}: {ringing(tone(1.0, 425.0) + silence(1.0, level, seed=2))}"
    yield f"silence: {spans(tones.find_ringing(np.zeros(5000, np.float32), TONES))}"
    yield f"too short for a window: {spans(tones.find_ringing(tone(0.1, 425.0), TONES))}"


def lines_of_music() -> Iterable[str]:
    sounds = {
        "a melody": melody(8.0), "a hum": tone(8.0, 200.0, 400.0, 600.0), "noise": noise(8.0, 1),
        "quiet": melody(8.0) * 0.01,
        "a melody over a hum": melody(8.0) + tone(8.0, 400.0),
    }  # fmt: skip
    for name, sound in sounds.items():
        samples = np.asarray(sound, np.float32)
        yield f"{name}: {told(music.activation(in_blocks(samples, 30_000), MUSIC), 2)}"
        yield f"  {spans(music.find_music([samples], MUSIC))}"
    with_gaps = [melody(7.0), silence(2.6), melody(7.0, seed=1), silence(5.2), melody(7.0, seed=2)]
    for least in (2.0, 6.0, 8.0, 16.0):
        yield f"gaps, at least {least} s: {spans(music.find_music(with_gaps, MusicSettings(min_s=least)))}"
    yield f"nothing: {told(music.activation([], MUSIC))}, {told(music.activation([silence(0.5)], MUSIC))}"
    bumps = 10.0 ** (np.array([0, 5, 6, 7, 8, 20, 6.5, 0, 0, 3]).repeat(7) / 10.0)
    yield f"lines {told(np.flatnonzero(music._lines(np.asarray([bumps], np.float32))[0]))}"
    for heights in (
        [0.19],
        [0.21],
        [0.3, 0, 0.3],
        [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0.5],
        [0.5, 0.45, 0.5],
        [0.5, 0.39, 0.5],
    ):
        yield f"prominence of {heights} {music._prominence(np.asarray(heights, np.float32)):.3f}"
    power = np.repeat([1.0, 1.0, 1e-9, 1.0, 1.0, 1.0, 1.0, 1.0, 1e-9, 1.0], 100)
    power[:1000:2] = np.where(np.arange(500) % 5 < 4, power[:1000:2], 1e-9)
    for speech in ([], [Interval(0, 16_000)], [Interval(50_000, 60_005)], [Interval(50_000, 100_000)]):
        for least in (2.0, 3.0, 5.0):
            found = music.music_candidates(power, speech, MusicSettings(min_s=least))
            yield f"candidates, speech {spans(speech)}, at least {least} s: {spans(found)}"
    for loud in (39, 40, 41):
        some = np.tile(np.r_[np.ones(loud), np.full(100 - loud, 1e-9)], 3)
        yield f"{loud} loud frames of 100: {spans(music.music_candidates(some, [], MusicSettings(min_s=2.0)))}"
    yield f"less than a second: {spans(music.music_candidates(np.ones(99), [], MUSIC))}"


def lines_of_likeness() -> Iterable[str]:
    source = np.asarray(melody(2.0) + noise(2.0, 3, -25), np.float32)
    own = np.asarray(source[4_000:20_000] * 0.5 + noise(1.0, 4, -30), np.float32)
    own[3_000:6_000] *= np.float32(1e-4)
    heard = likeness.sound(own[:2_000])
    yield f"sound {told(heard.level_db, 2)}; {told(heard.fine[:, :6], 2)}; {told(heard.active)}"
    yield f"too short {told(likeness.sound(own[:511]).fine)} {told(likeness.sound(own[:512]).level_db, 2)}"
    for reach_s, shift in ((0.1, 0), (0.1, 480), (0.1, -480), (0.25, 0)):
        reach = round(reach_s * RATE)
        first = 4_000 - reach + shift
        found = likeness.copy_of(source[first : first + len(own) + 2 * reach], own, reach_s)
        assert found is not None
        louder = [found.louder_within(0.0, 0.3, share) for share in (0.25, 0.5)]
        yield (
            f"reach {reach_s}, {shift}: {found.likeness:.3f} {found.delay_s:.3f} {found.louder_db:.2f}; within "
            f"{found.within(0.0, 0.2):.3f} {found.within(0.2, 0.2):.3f} {found.within(0.5, 0.9):.3f} "
            f"{found.within(-1.0, 0.1):.3f}; louder {told(louder, 2)} {found.louder_within(0.25, 0.3)}"
        )
    other = likeness.copy_of(noise(1.2, 5), noise(1.0, 6), 0.1)
    assert other is not None
    yield f"another sound {other.likeness:.3f} {other.delay_s:.3f} {other.louder_db:.2f}"
    quiet = likeness.copy_of(np.zeros(19_200, np.float32), own, 0.1)
    assert quiet is not None
    yield f"silence {quiet.likeness:.3f} {quiet.louder_db} {quiet.within(0.0, 1.0)}"
    few = [likeness.copy_of(source, own[: 512 + 160 * more], 0.1) is not None for more in (8, 9)]
    yield f"few frames {few}, no room {likeness.copy_of(own[:3_000], own[:3_001], 0.1) is not None}"
    same = likeness.copy_of(own[:3_000], own[:3_000], 0.0)
    yield f"itself {same and round(same.likeness, 3)}"


def lines_of_crosstalk(folder: Path) -> Iterable[str]:
    loud, own = noise(6.0, 7), noise(6.0, 8, -15)
    own[: 3 * RATE] *= np.float32(0.0)
    own[round(4.5 * RATE) :] *= np.float32(0.003)
    for delay_s, leak_db in ((0.0, -20.0), (0.03, -20.0), (0.3, -20.0), (0.0, -4.0), (0.0, -40.0)):
        leaked = own + later(loud, delay_s) * np.float32(10 ** (leak_db / 20))
        mine, other = channels_of(folder / f"{delay_s} {leak_db}", np.asarray(leaked, np.float32), loud)
        for span in (Interval(0, 6 * RATE), Interval(RATE, 2 * RATE), Interval(2 * RATE, 5 * RATE), Interval(0, 9_000)):
            kept = crosstalk._own(mine, other, span, CrosstalkSettings())
            alike = crosstalk._correlation(mine, other, span.start, span.end, 800)
            yield (
                f"{delay_s} s late, {leak_db} dB, {spans([span])}: {spans([kept] if kept else [])}, level "
                f"{crosstalk._level(mine, span):.2f}, {alike:.3f}"
            )
    yield f"beyond the end {crosstalk._level(mine, Interval(10 * RATE, 11 * RATE)):.1f}"
    yield f"empty {crosstalk._correlation(mine, other, 10 * RATE, 11 * RATE, 800)}"
    for difference in (3.9, 4.0, 4.1):
        settings = CrosstalkSettings(min_difference_db=4.0)
        mine, other = channels_of(folder / f"d{difference}", loud * np.float32(10 ** (-difference / 20)), loud)
        yield f"{difference} dB quieter leaks {crosstalk._own(mine, other, Interval(0, RATE), settings) is None}"


def lines_of_echo(folder: Path) -> Iterable[str]:
    source, mine = noise(24.0, 9), noise(24.0, 10, -6)
    source[10 * RATE : 13 * RATE] *= np.float32(0.01)
    mine[: 9 * RATE] *= np.float32(0.001)
    mine[17 * RATE :] *= np.float32(0.001)
    late = later(source, 0.15) * np.float32(0.4) - later(source, 0.153) * np.float32(0.2)
    channels = channels_of(folder / "a", source, np.asarray(mine + late, np.float32))
    yield f"blocks {echo._loud_blocks(channels[0])} {echo._loud_blocks(channels[1])}"
    path = echo.echo_path(*channels)
    assert path is not None
    first = path.peak - path.delay
    yield f"path {path.peak} {path.delay} {path.left_db:.1f} {told(path.response[first - 1 : first + 2])}"
    yield f"  {told(path.response[first + 47 : first + 50])} {path.response.dtype} {path.response.size}"
    yield f"back {echo.echo_path(*reversed(channels))}"
    for start in (0, 9 * RATE, 11 * RATE, 23 * RATE):
        before = read_range(channels[1].path, start, RATE)
        left = echo._cleaned(channels[0], path, start, before)
        yield f"cleaned from {start}: {left.dtype} {told(10 * np.log10(echo._powers(left)[::5]), 1)}"
        own = [echo._has_own(before, left, loud) for loud in (1e-5, 1e-2)]
        yield f"  own {own}, {told(left[:8] * 1000, 2)}"
    short = read_range(channels[1].path, 0, 300)
    yield f"short {told(echo._cleaned(channels[0], path, 0, short)[:20] * 1000, 2)}, {echo._has_own(short, short, 0.0)}"
    for words in (11, 12):
        was = np.r_[np.ones(320 * words), np.zeros(320 * 20)].astype(np.float32)
        halves = [echo._has_own(was, was * np.float32(share), 0.5) for share in (1.0, 0.72, 0.70)]
        yield f"{words} frames {halves} {echo._has_own(was, was, 1.0)}"
    yield f"smoothed {told(echo._smoothed(np.arange(12.0)))}"
    yield f"over samples {told(echo._over_samples(np.array([0.0, 1.0, 0.0]), 900)[::50])}"
    yield f"powers {told(echo._powers(np.arange(700.0)), 1)}"
    for index, place in enumerate((-5, 0, 24 * RATE - 3, 25 * RATE)):
        yield f"samples {index} {told(echo._samples(channels[0], place, 8))}"
    echo.cancel_echoes(channels, CrosstalkSettings())
    for one in channels:
        yield f"after {sorted(one.flags)} {one.levels.samples} {told(one.levels.db[50::200], 1)}"
    alone = channels_of(folder / "b", source, np.asarray(late, np.float32))
    echo.cancel_echoes(alone, CrosstalkSettings())
    files = sorted(path.name for path in (folder / "b").iterdir())
    yield f"says nothing itself {[sorted(one.flags) for one in alone]} {files}"


def lines_of_copies(folder: Path) -> Iterable[str]:
    settings = DoctorSettings()
    first = np.asarray(noise(8.0, 11) * np.repeat([1.0, 0.3, 0.02, 1.0, 1.0, 0.001, 0.5, 1.0], RATE), np.float32)
    second = {
        f"{name}": np.asarray(sound, np.float32)
        for name, sound in {
            "itself": first, "louder": first * 2, "too loud": first * 11, "turned": -first,
            "2 ms late": later(first, 0.002), "19 ms late": later(first, 0.019), "21 ms late": later(first, 0.021),
            "1 ms early": np.r_[first[16:], first[:16]],
            "through a codec": np.resize(mu_law(first), len(first)), "another": noise(8.0, 12),
            "louder in a part": first * np.repeat([1, 1, 1, 1, 1.5, 1, 1, 1], RATE),
            **{f"own of {length} s, {level} dB": put(first, 4.1, noise(length, 13, level)) for length in (0.1, 0.3, 0.6)
               for level in (-20, -5, 0)},
        }.items()
    }  # fmt: skip
    for number, (name, sound) in enumerate(second.items()):
        a, b = channels_of(folder / str(number), first, sound)
        active = duplicates._active_seconds(a, b)
        found = duplicates._align(a, b, active, settings)
        same = found and duplicates._agrees_everywhere(a, b, active, found, settings)
        at = f"{found.delay} {found.gain_db:.2f}" if found else "none"
        coded = duplicates._is_coded_copy(a, b, settings)
        steady = duplicates._steady_gain_db(a, b, 0.0)
        yield f"{name}: active {active.tolist()}, {at}, {same}, coded {coded}, gain {steady and round(steady, 2)}"
        if found:
            for most_db in (abs(found.gain_db), abs(found.gain_db) - 1e-9):
                limit = DoctorSettings.model_construct(**{**dict(settings), "dual_mono_max_gain_db": most_db})
                yield f"  at most as much louder {duplicates._align(a, b, active, limit) == found}"
        if found and number < 6:
            yield f"  is a copy {duplicates.is_copy(a, b, settings)} {duplicates.is_copy(b, a, settings)}"
    yield f"pieces {duplicates._loud_pieces(a, b)} {told(duplicates._powers(a, b, 200, 3), 5)}"
    yield f"  {told(duplicates._powers(a, b, 300, -3), 5)} {told(duplicates._loud(np.zeros((2, 0)), 25.0))}"
    a, b = channels_of(folder / "short", first[:5_000], first[:5_000])
    yield f"short {duplicates._active_seconds(a, b).tolist()} {duplicates.is_copy(a, b, settings)}"
    ramp = np.arange(1, 9, dtype=np.float32)
    for delayed, longest in (
        (ramp, 3),
        (later(ramp, 2 / RATE), 3),
        (later(ramp, 2 / RATE), 0),
        (np.zeros(8, np.float32), 3),
    ):
        best, correlation = duplicates._best_delay(ramp, delayed, longest)
        yield f"best delay {best} {correlation:.3f}, {duplicates._gain_db(ramp, delayed):.2f}"
    three = channels_of(folder / "three", first, noise(8.0, 14), first * np.float32(0.5), first)
    three[1].silent = True
    duplicates.find_copies(three, settings)
    yield f"copies {[(one.same_as, sorted(one.flags)) for one in three]}"


def lines_of_levels(folder: Path) -> Iterable[str]:
    for number, level_db in enumerate((-50, -24, -12, 0, 20)):
        for offset in (0.0, 0.004, 0.02):
            sound = noise(2.0, 15, level_db) + np.float32(offset)
            (one,) = channels_of(folder / f"{number} {offset}", np.asarray(sound, np.float32))
            ingested: Any = IngestedChannel.__new__(IngestedChannel)
            given = {"path": one.path, "levels": one.levels, "track": 2, "non_finite": int(level_db == 20),
                     "clipped": number, "source_samples": 1000}  # fmt: skip
            for name, value in given.items():
                object.__setattr__(ingested, name, value)
            seen = of_channel.examine(ingested, 4, AudioSettings())
            gain = of_channel._listening_gain_db(seen, AudioSettings())
            of_channel._level(seen, [Interval(0, 8_000), Interval(20_000, 40_000)], AudioSettings())
            yield (
                f"{level_db} dB, offset {offset}: {seen.channel} {seen.track} {sorted(seen.flags)} {seen.silent} "
                f"{seen.offset:.3f}, {gain:.2f} dB, {seen.speech_dbfs:.2f} dBFS, gain {seen.gain_db:.2f} dB; "
                f"{told(read_range(seen.path, 0, 4))}"
            )
    quiet: Channel
    (quiet,) = channels_of(folder / "no speech", noise(1.0, 16, -40))
    of_channel._level(quiet, [], AudioSettings())
    yield f"without speech {quiet.speech_dbfs} {quiet.gain_db} {sorted(quiet.flags)}"
    stretch = [told(block[:2]) for block in of_channel._levelled(quiet, 2.0, Interval(3, 8))]
    yield f"levelled {stretch} {of_channel._moved(Interval(1, 3), 4)}"


@pytest.mark.parametrize("name", ["frames", "keys", "ringing", "music", "likeness"])
def test_measures_of_sounds(name: str) -> None:
    lines = {
        "frames": lines_of_frames, "keys": lines_of_keys, "ringing": lines_of_ringing, "music": lines_of_music,
        "likeness": lines_of_likeness,
    }  # fmt: skip
    assert_pinned(f"{name}.txt", lines_of(lines[name]()))


@pytest.mark.parametrize("name", ["crosstalk", "echo", "copies", "levels"])
def test_measures_of_channels(name: str, tmp_path: Path) -> None:
    lines = {
        "crosstalk": lines_of_crosstalk,
        "echo": lines_of_echo,
        "copies": lines_of_copies,
        "levels": lines_of_levels,
    }
    assert_pinned(f"{name}.txt", lines_of(lines[name](tmp_path)))
