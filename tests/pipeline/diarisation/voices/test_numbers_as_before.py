"""What each step of the diariser makes of vectors and loudness made up for the purpose, as it did before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.diarisation.voices import two_voices, windows
from pipeline.diarisation.voices.diariser import of_nearest, surely, turns
from pipeline.diarisation.voices.encoder import unit
from pipeline.diarisation.voices.windows import Loudness, Windows
from pipeline.records import SpeechSegment
from tests.pinned import assert_pinned
from tests.pipeline.audio.channels.test_numbers_as_before import lines_of, told

TURNS = [(0, 7), (1, 4), (0, 9), (1, 8), (0, 3), (1, 12), (0, 2), (1, 1)]


def talk(spread: float, seed: int = 1, repeat: int = 1) -> Windows:
    """Windows of two voices in eight dimensions; a segment for each two turns."""
    chance = np.random.default_rng(seed)
    truth = np.concatenate([np.full(count, who) for who, count in TURNS * repeat])
    segment = np.concatenate([np.full(count, n // 2) for n, (_, count) in enumerate(TURNS * repeat)])
    vectors = np.abs(np.eye(8)[:2][truth] * 0.7 + chance.normal(0.2, spread, (truth.size, 8)))
    moments = 0.4 * np.arange(truth.size) + 0.5 * segment
    return Windows(
        moments, segment.astype(np.int64), unit(vectors.astype(np.float32)), chance.normal(-20, 12, truth.size)
    )


def segment(start_s: float, end_s: float, overlap_s: float = 0.0) -> SpeechSegment:
    return SpeechSegment(channel=0, ordinal=0, start_s=start_s, end_s=end_s, overlap_s=overlap_s)


def lines_of_voices() -> Iterable[str]:
    for spread, seed in ((0.1, 1), (0.25, 2), (0.45, 3), (0.6, 4)):
        heard = talk(spread, seed)
        voices = two_voices.divide(heard.vectors)
        assert voices is not None
        found = two_voices.evidence(heard, voices)
        yield f"spread {spread}: voices {told(voices)}"
        yield f"  evidence {found.separation:.3f} {found.persistence:.3f} {found.total:.3f}"
        yield f"  places {told(two_voices.places(heard.vectors, voices)[:12])}"
        yield f"  unseen {told(two_voices._unseen_places(heard, voices))}"
        yield f"  spectral {told(two_voices._spectral(heard.vectors))}"
        yield f"  speakers {told(two_voices.speakers(heard, voices))}"
        yield f"  turned round {told(two_voices.speakers(heard, voices[::-1]))}"
        yield f"  turned round unseen {told(two_voices._unseen_places(heard, voices[::-1])[:6])}"
    many = talk(0.3, 5, repeat=14)
    yield f"many {len(many.centre_s)}: {told(two_voices.divide(many.vectors))}"
    for count in (1, 2, 3, 8):
        few = two_voices.divide(many.vectors[:count])
        yield f"of {count}: {'none' if few is None else told(few)}"
    yield f"all alike {two_voices.divide(np.repeat(many.vectors[:1], 9, axis=0))}"
    short = Windows(many.centre_s[:5], many.segment[:5], many.vectors[:5], many.level_db[:5])
    yield f"short {two_voices.evidence(short, many.vectors[:2])}"


def lines_of_courses() -> Iterable[str]:
    heard = talk(0.3)
    for clear in (0.1, 0.2, 0.3, 0.6, 1.0):
        on_line = np.array([-1, -1, 1, -1, -1, 1, 1, -1, 1, 1, 1, -1, -1, -1, 0, 0, 1], np.float64) * clear
        course = Windows(heard.centre_s[:17], heard.segment[:17], heard.vectors[:17], heard.level_db[:17])
        yield f"course {clear} {told(two_voices._course(course, on_line))}"
    yield f"one {told(two_voices._course(Windows(*(x[:1] for x in _parts(heard))), np.array([0.1])))}"
    every_s: npt.NDArray[np.float64] = (0.4 * np.arange(46)).astype(np.float64)
    slow: npt.NDArray[np.float64] = np.sin(np.arange(46) / 4.0).astype(np.float64)
    for name, line in {
        "slow": slow,
        "fast": np.sin(np.arange(46, dtype=np.float64) * 2.0),
        "beyond": slow * 5,
        "flat": np.ones(46),
    }.items():
        known: npt.NDArray[np.float64] = line.astype(np.float64)
        yield f"persistence {name} {two_voices._persistence(known, heard.centre_s, heard.segment):.4f}"
    yield f"in one stretch {two_voices._persistence(slow, every_s, np.zeros(46, np.int64)):.4f}"
    yield f"far apart {two_voices._persistence(slow, every_s * 3.5, np.zeros(46, np.int64)):.4f}"
    moments = np.array([0.0, 0.4, 1.0, 2.5, 9.0])
    yield f"distances {told(two_voices._distance_s(moments, np.array([0.5, 2.0])))}"
    yield f"  {told(two_voices._distance_s(moments, np.array([1.0])))}"


def lines_of_windows() -> Iterable[str]:
    heard = talk(0.3)
    audible = heard.audible()
    yield f"audible {told(audible.centre_s, 1)} {told(audible.segment)} {told(audible.level_db, 1)}"
    yield f"  {told(audible.vectors[:2])}"
    levels = np.array([0.0] * 30 + [-24.9, -25.0, -25.1, 3.0])
    yield f"at the limit {told(Windows(levels, levels, levels, levels).audible().level_db, 1)}"
    yield f"none {told(Windows(*(part[:0] for part in _parts(heard))).audible().level_db)}"
    power = np.abs(np.sin(np.arange(60) / 7.0)).astype(np.float32) + np.float32(0.01) * np.arange(60, dtype=np.float32)
    loudness = Loudness(2.0, power)
    for from_s, to_s in ((2.0, 2.6), (1.0, 2.1), (2.215, 2.3), (2.3, 2.5), (2.5, 9.0), (3.0, 3.5), (2.599, 2.6)):
        yield f"quietest {from_s}-{to_s} {loudness.quietest_s(from_s, to_s):.3f}"
    spoken = [segment(0.0, 0.3), segment(1.0, 1.4), segment(1.4, 2.3, 0.1), segment(3.0, 5.0)]
    moments, places = windows.centres(spoken)
    yield f"centres {told(moments)} {told(places)}; none {told(windows.centres([])[0])}"
    for count in (0, 29, 30, 31, 40, 44, 45, 46, 90):
        yield f"surely {count} {surely(count):.4f}"
    labels = np.arange(len(audible.centre_s)) % 2
    yield f"of nearest {told(of_nearest(heard, audible, labels))}"


def lines_of_turns() -> Iterable[str]:
    spoken = [segment(0.0, 2.0), segment(2.0, 4.2, 0.2), segment(6.0, 7.0)]
    moments, places = windows.centres(spoken)
    chance = np.random.default_rng(6)
    made = Windows(moments, places, np.zeros((len(moments), 2), np.float32), np.zeros(len(moments)))
    loudness = [Loudness(one.start_s, chance.random(round(one.duration_s * 100)).astype(np.float32)) for one in spoken]
    for pattern in ("1", "10", "0011", "01", "1101"):
        labels = np.array([int(pattern[index % len(pattern)]) for index in range(len(moments))])
        found = turns(spoken, made, labels, loudness)
        yield f"turns {pattern}: " + " ".join(f"{one.speaker}:{one.start_s:.3f}-{one.end_s:.3f}" for one in found)


def lines_of_encoding() -> Iterable[str]:
    samples = np.random.default_rng(7).standard_normal(5 * 16_000).astype(np.float32) * np.float32(0.1)
    samples[: 2 * 16_000] *= np.float32(0.2)
    spoken = [segment(0.1, 1.2), segment(1.2, 3.0, 0.2), segment(4.0, 5.0)]
    shapes: list[tuple[int, ...]] = []
    checks: list[None] = []

    def vectors_of(batch: Any) -> Any:
        shapes.append(batch.shape)
        return batch.mean(axis=1)[:, :3]

    heard, loudness = windows.encode(samples, spoken, vectors_of, lambda: checks.append(None))
    yield f"batches {shapes}, time looked at {len(checks)} times"
    yield f"{told(heard.centre_s)} {told(heard.segment)} {told(heard.level_db, 2)} {told(heard.vectors, 4)}"
    yield " ".join(f"{one.start_s}: {told(one.power[::20], 2)}" for one in loudness)
    none, quiet = windows.encode(samples, [], vectors_of, lambda: None)
    yield f"none {none.vectors.shape} {none.level_db.shape} {quiet}"
    shapes.clear()
    windows.encode(np.tile(samples, 6), [segment(0.0, 26.0)], vectors_of, lambda: None)
    yield f"many {shapes}"


def _parts(heard: Windows) -> tuple[Any, ...]:
    return heard.centre_s, heard.segment, heard.vectors, heard.level_db


@pytest.mark.parametrize("name", ["voices", "courses", "windows", "turns", "encoding"])
def test_steps_of_the_diariser(name: str) -> None:
    lines = {
        "voices": lines_of_voices, "courses": lines_of_courses, "windows": lines_of_windows, "turns": lines_of_turns,
        "encoding": lines_of_encoding,
    }  # fmt: skip
    assert_pinned(f"numbers_of_{name}.txt", lines_of(lines[name]()))
