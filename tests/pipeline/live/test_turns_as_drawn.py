"""Drawn talk on one track, with pauses and lengths about every limit: its turns, told and ended as they were."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.audio.decoding.spool import read_range
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.live.track import Hearing, TrackListener, Utterance
from tests.pinned import assert_pinned

STEP = 512
RATE_HZ = 16_000


class Loudness:
    """A detector whose score is the largest sample of a step."""

    name = "loudness"
    step_samples = STEP
    onset_lag_samples = 160
    onset_score: float | None = None

    def stream(self) -> Heard:
        return Heard()


class Heard:
    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)

    def push(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        self._rest = np.concatenate((self._rest, samples))
        whole = len(self._rest) // STEP * STEP
        scores: npt.NDArray[np.float32] = np.abs(self._rest[:whole]).reshape(-1, STEP).max(axis=1)
        self._rest = self._rest[whole:]
        return scores

    def finish(self) -> npt.NDArray[np.float32]:
        return self.push(np.zeros(-len(self._rest) % STEP, np.float32))


def drawn_talk(draw: random.Random) -> tuple[str, npt.NDArray[np.int16]]:
    """Speech, murmur between both thresholds, and silence, in steps; each stretch grows quieter."""
    told, parts = [], []
    for _ in range(draw.randrange(2, 10)):
        kind, level = draw.choice((("speech", 0.8), ("speech", 0.8), ("murmur", 0.42), ("silence", 0.001)))
        steps = draw.choice((1, 2, 3, 4, 6, 12, 40))
        told.append(f"{kind} {steps}")
        rising = np.linspace(1.0, 0.7 if kind == "speech" else 0.95, steps * STEP)
        parts.append(np.sin(np.arange(steps * STEP)) * level * rising)
    sound = np.concatenate([*parts, np.zeros(draw.choice((0, 100)))])
    return ", ".join(told), (sound * 32767).astype(np.int16)


def lines_of_turns(folder: Path) -> Iterable[str]:
    draw = random.Random(1)
    for number in range(60):
        told, samples = drawn_talk(draw)
        voice_activity = VoiceActivitySettings(
            threshold=0.5,
            neg_threshold=0.35,
            min_speech_ms=draw.choice((0, 64, 96)),
            min_silence_ms=draw.choice((32, 96, 128)),
            padding_ms=draw.choice((0, 40, 200)),
            max_segment_s=5.0,
            overlap_s=0.0,
        )
        voice_activity = voice_activity.model_copy(update={"max_segment_s": draw.choice((0.5, 1.0, 5.0))})
        hearing = Hearing(detector=Loudness(), voice_activity=voice_activity, resample_quality="HQ")
        partial_s, block = draw.choice((None, 0.1, 0.3)), draw.choice((160, 512, 1_000, 5_000))
        track = TrackListener(2, RATE_HZ, folder / f"{number}.f32", hearing, partial_s)
        yield f"{told}, by {block}, partial {partial_s}, {voice_activity.min_speech_ms} {voice_activity.min_silence_ms}"
        for first in range(0, len(samples), block):
            for utterance in track.push(samples[first : first + block]):
                yield f"  {first}: {shown(utterance)}"
        yield f"  end: {' '.join(map(shown, track.finish()))}; spoke until {track.spoke_at} of {track.samples}"
        track.close()
        np.testing.assert_allclose(read_range(track.path, 0, track.samples), samples / np.float32(32768.0))


def shown(utterance: Utterance) -> str:
    segment = utterance.segment
    ((spoken_s, until_s),) = segment.speech or ((-1.0, -1.0),)
    kind = "turn" if utterance.final else "so far"
    return (
        f"{kind} {segment.channel}.{segment.ordinal} {segment.start_s * RATE_HZ:.0f}-{segment.end_s * RATE_HZ:.0f} "
        f"speech {spoken_s * RATE_HZ:.0f}-{until_s * RATE_HZ:.0f} overlap {segment.overlap_s:g}"
    )


def test_turns(tmp_path: Path) -> None:
    assert_pinned("turns.txt", "\n".join(lines_of_turns(tmp_path)))
