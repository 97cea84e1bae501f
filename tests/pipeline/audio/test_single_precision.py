"""Sound keeps its precision from block to block: twice as wide, a long call would not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.audio.channels import channel as of_channel
from pipeline.audio.channels.frames import SpectrumStream
from pipeline.audio.decoding.levels import FrameLevels, SourceStatistics
from pipeline.audio.decoding.resample import Resampler
from pipeline.audio.decoding.spool import read_blocks, read_range, rewrite
from pipeline.audio.segments import Interval
from pipeline.audio.vad.energy import EnergyDetector
from pipeline.audio.vad.silero import _SileroStream
from pipeline.config.areas.speech.voice_activity import EnergySettings, SileroSettings
from tests.pipeline.audio.channels.made import channels_of, noise

SOUND = noise(0.5, 1)
BLOCKS = [SOUND[start : start + 700] for start in range(0, len(SOUND), 700)]


class Graph:
    """In place of Silero's, which takes nothing else."""

    def run(self, outputs: None, inputs: dict[str, Any]) -> tuple[Any, Any, Any]:
        assert {values.dtype.name for values in inputs.values()} == {"float32"}
        return np.ones(len(inputs["input"]), np.float32), inputs["h"], inputs["c"]


def silero(_: Path) -> Iterable[Any]:
    stream = _SileroStream(Graph(), SileroSettings(windows_per_run=3))
    yield from (stream.push(block) for block in BLOCKS)
    yield stream.finish()
    yield stream.finish()


def energy(_: Path) -> Iterable[Any]:
    stream = EnergyDetector(EnergySettings()).stream()
    yield from (stream.push(block) for block in BLOCKS)
    yield stream.finish()
    yield EnergyDetector(EnergySettings()).stream().finish()


def spectra(_: Path) -> Iterable[Any]:
    stream = SpectrumStream(512, 256, -60.0)
    yield from (stream.push(block)[1] for block in BLOCKS)
    yield stream.push(SOUND[:10])[1]


def resampled(_: Path) -> Iterable[Any]:
    for rate in (8_000, 16_000):
        resampler = Resampler(rate, 1, "HQ")
        yield from (resampler.push(block[:, None]) for block in BLOCKS)
        yield resampler.finish()


def levels(_: Path) -> Iterable[Any]:
    heard = FrameLevels(1)
    yield heard.channel(0).peaks
    for block in BLOCKS:
        heard.push(block[None])
    heard.finish()
    yield heard.channel(0).peaks


def spooled(folder: Path) -> Iterable[Any]:
    (one,) = channels_of(folder, SOUND)
    for gain in (1.0, 2.0):
        yield from of_channel._levelled(one, gain)
        yield from of_channel._levelled(one, gain, Interval(3, 5_000))
    one.offset = 0.25
    yield from of_channel._levelled(one, 1.0)
    rewrite(one.path, 0.25, 2.0)
    yield from read_blocks(one.path, 1_000)
    yield read_range(one.path, 5, 10)


@pytest.mark.parametrize("made", [silero, energy, spectra, resampled, levels, spooled])
def test_it_is_single(made: Callable[[Path], Iterable[Any]], tmp_path: Path) -> None:
    kinds = [part.dtype.name for part in made(tmp_path)]
    assert len(kinds) > 1
    assert set(kinds) == {"float32"}


def test_counts_are_whole_numbers_and_flags_truth_values() -> None:
    statistics = SourceStatistics(2)
    statistics.clean(np.ones((100, 2), np.float32))
    statistics.clean(np.full((100, 2), np.nan, np.float32))
    assert {counts.dtype.name for counts in (statistics.clipped, statistics.non_finite)} == {"int64"}
    stream = SpectrumStream(512, 256, -60.0)
    assert {stream.push(block)[0].dtype.name for block in (SOUND[:10], *BLOCKS)} == {"bool"}
