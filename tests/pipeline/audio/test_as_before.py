"""Calls of every kind, prepared: levels, gains, flags, speech and what is no speech, as they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.audio.prepare import CallPreparer
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.records import CallMetadata, PreparedCall
from tests.pinned import assert_pinned
from tests.pipeline.audio.channels.made import later
from tests.pipeline.audio.sounds import RATE, Samples, mu_law, music, silence, tone, write

S = 16
"""Seconds of each call."""


def put(sound: Samples, *parts: tuple[float, Samples]) -> Samples:
    """A line with sounds from the seconds given."""
    whole = sound.copy()
    for start_s, part in parts:
        place = round(start_s * RATE)
        whole[place : place + len(part)] += part[: len(whole) - place]
    return whole


def line(seed: int) -> Samples:
    return silence(S, seed=seed)


def ringing() -> Samples:
    return np.concatenate([part for _ in range(2) for part in (tone(1.0, 425.0), np.zeros(2 * RATE, np.float32))])


def keys() -> Samples:
    pause = np.zeros(RATE // 10, np.float32)
    pairs = ((697.0, 1209.0), (770.0, 1336.0), (852.0, 1477.0), (941.0, 1336.0))
    return np.concatenate([part for pair in pairs for part in (tone(0.15, *pair), pause)])


CALLS: dict[str, Callable[[Samples, Samples], tuple[Samples, ...]]] = {
    "both sides": lambda c, a: (c, a),
    "one channel": lambda c, a: (c + a,),
    "a silent side": lambda c, a: (c, line(1)),
    "a quiet side": lambda c, a: (c, a * np.float32(0.01)),
    "a loud side": lambda c, a: (np.clip(c * 30, -0.5, 0.5), a),
    "an offset": lambda c, a: (c + np.float32(0.1), a),
    "the same twice": lambda c, a: (c + a, (c + a) * np.float32(0.7)),
    "the same through a codec": lambda c, a: (c + a, later(mu_law(c + a)[: len(c)], 0.02)),
    "an echo": lambda c, a: (c + later(a, 0.06) * np.float32(0.3), a),
    "a leak": lambda c, a: (c + a * np.float32(0.05), a),
    "ringing and keys": lambda c, a: (put(line(2), (1.0, ringing()), (8.0, c)), put(line(3), (6.0, keys()), (9.0, a))),
    "music on hold": lambda c, a: (put(line(4), (10.0, c)), put(line(5), (0.5, music(15.0)))),
}


def told(call: PreparedCall) -> str:
    lines = [f"{call.duration_s:.2f} s, {', '.join(call.flags)}"]
    for one in call.channels:
        level = "none" if one.rms_dbfs is None else f"{one.rms_dbfs:.1f} dBFS"
        lines.append(
            f"channel {one.channel} {one.role}: speech {level}, peak {one.peak:.3f}, gain {one.gain_db:.1f} dB, "
            f"{one.speech_s:.2f} s, same as {one.same_as_channel}, {', '.join(one.flags)}"
        )
        for part in one.segments:
            spoken = " ".join(f"{start:.2f}-{end:.2f}" for start, end in part.speech or ())
            lines.append(f"  {part.ordinal} {part.start_s:.2f}-{part.end_s:.2f} overlap {part.overlap_s:.2f}: {spoken}")
        lines += [f"  {found.kind} {found.start_s:.2f}-{found.end_s:.2f}" for found in one.non_speech]
        samples = np.fromfile(one.samples_path, dtype="<f4").astype(np.float64)
        halves = np.array_split(samples, 4)
        lines.append("  levels " + " ".join(f"{10 * np.log10(np.mean(part**2) + 1e-12):.1f}" for part in halves))
    return "\n".join(lines)


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_prepared_as_before(tmp_path: Path, both_sides: tuple[Samples, Samples], name: str) -> None:
    client, agent = (side[: S * RATE] for side in both_sides)
    path = write(tmp_path / "a.wav", *CALLS[name](client, agent), rate=8000)
    preparer = CallPreparer(AudioSettings(), VoiceActivitySettings(detectors=("energy",)))
    call = preparer.prepare(path, CallMetadata(), tmp_path / "spool")
    assert_pinned(f"{name.replace(' ', '_')}.txt", told(call))
