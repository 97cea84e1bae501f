"""Makes the sample calls of `samples/calls` and their true text in `samples/truth` from `samples/stories.yaml`.

Needs two of Debian's speech synthesisers, which carry no trained weights from elsewhere:

    apt-get install flite espeak-ng
    .venv/bin/python -m samples.make_samples

Everything random is seeded by the file name, so the same synthesisers give the same bytes. The calls are committed;
nothing but a change of the stories asks for this script.

Channel 0 is the side that called: the client of an inbound call, the agent of an outbound one, as many recorders do.
A `ch-…` part of the file name says otherwise where it is there.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
import subprocess
import tempfile
import wave
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import soxr

from pipeline.config.yaml_reader import read_yaml_file

Samples = npt.NDArray[np.float32]

HERE = Path(__file__).resolve().parent
RATE_HZ = 16_000
LEAD_S = 0.6
"""Before the first and after the last word."""
GAP_S = (0.25, 0.8)
"""Between one turn and the next, drawn evenly."""
SPEECH_DBFS = {"agent": -21.0, "client": -25.0}
"""RMS of the voiced part: headset and telephone."""
NOISE_DBFS = -75.0
"""Line noise under both channels."""
FLITE_STYLES = {"calm": (), "angry": ("--setf", "duration_stretch=0.94", "--setf", "int_f0_target_stddev=22")}
ESPEAK = ("espeak-ng", "-v", "en-us+f3", "-s", "140", "-p", "45", "-g", "2")

CODECS = {
    ".flac": ("flac", RATE_HZ, "s16", {"compression_level": "12"}),
    ".mp3": ("libmp3lame", RATE_HZ, "s16p", {"b": "80k", "joint_stereo": "0"}),
    ".ogg": ("libopus", RATE_HZ, "s16", {"b": "64k"}),
    ".m4a": ("aac", RATE_HZ, "fltp", {"b": "80k"}),
    "mulaw_8k": ("pcm_mulaw", 8_000, "s16", {}),
}
"""By suffix or encoding: FFmpeg encoder, rate in Hz, sample format, encoder options."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn, placed on the call's clock."""

    role: str
    text: str
    start_s: float
    samples: Samples

    @property
    def end_s(self) -> float:
        return self.start_s + len(self.samples) / RATE_HZ


def main() -> None:
    stories = read_yaml_file(HERE / "stories.yaml").value
    for folder in (HERE / "calls", HERE / "truth"):
        folder.mkdir(exist_ok=True)
    for story in stories:
        turns = place_turns(story)
        roles = channel_roles(story)
        channels = mix(turns, roles, story)
        write_audio(HERE / "calls" / story["file"], channels, story.get("encoding", "plain"))
        write_truth(story, turns, roles, channels.shape[1] / RATE_HZ)
    write_sidecar(stories)


def place_turns(story: Mapping[str, Any]) -> list[Turn]:
    """Speaks every turn and lays them one after the other; a negative gap makes overtalk."""
    random = np.random.default_rng(zlib.crc32(story["file"].encode()))
    turns: list[Turn] = []
    clock = LEAD_S
    for role, text, *gap in story["turns"]:
        drawn = float(random.uniform(*GAP_S))
        if turns:
            clock += gap[0] if gap else drawn
        samples = speak(text, story["voices"][role], story.get("style", {}).get(role, "calm"))
        samples = to_level(samples, SPEECH_DBFS[role])
        turns.append(Turn(role, text, clock, samples))
        clock = turns[-1].end_s
    return turns


def speak(text: str, voice: str, style: str) -> Samples:
    """Mono float32 at RATE_HZ, silence at both ends cut off."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "turn.wav"
        if voice == "espeak":
            command = [*ESPEAK, "-w", str(path), text]
        else:
            command = ["flite", "-voice", voice, *FLITE_STYLES[style], "-t", text, "-o", str(path)]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own text, no shell
        with wave.open(str(path)) as file:
            rate = file.getframerate()
            raw = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    spoken: Samples = (raw / 32768).astype(np.float32)
    if rate != RATE_HZ:
        spoken = soxr.resample(spoken, rate, RATE_HZ).astype(np.float32)
    loud = np.flatnonzero(np.abs(spoken) > 0.01)
    margin = RATE_HZ // 50
    return spoken[max(0, loud[0] - margin) : loud[-1] + margin]


def to_level(samples: Samples, dbfs: float) -> Samples:
    """RMS of the loud half of 20 ms frames brought to `dbfs`; peaks kept under -1 dBFS."""
    frames = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    energy = np.sort((frames**2).mean(axis=1))
    gain = 10 ** (dbfs / 20) / float(np.sqrt(energy[len(energy) // 2 :].mean()))
    gain = min(gain, 0.89 / float(np.abs(samples).max()))
    return (samples * gain).astype(np.float32)


def channel_roles(story: Mapping[str, Any]) -> tuple[str, str]:
    """Role of channel 0 and 1."""
    said = re.search(r"_ch-(agent|client)\+(agent|client)_", story["file"])
    if said:
        return said.group(1), said.group(2)
    return ("agent", "client") if "_outbound_" in story["file"] else ("client", "agent")


def mix(turns: Sequence[Turn], roles: Sequence[str], story: Mapping[str, Any]) -> Samples:
    """Float32 (2, samples): each side on its own channel over line noise; dual mono has the sum on both."""
    random = np.random.default_rng(zlib.crc32(story["file"].encode()) + 1)
    length = int((max(turn.end_s for turn in turns) + LEAD_S) * RATE_HZ)
    channels: Samples = np.stack([line_noise(random, length) for _ in roles])
    for turn in turns:
        start = round(turn.start_s * RATE_HZ)
        channels[roles.index(turn.role), start : start + len(turn.samples)] += turn.samples
    if story.get("encoding") == "dual_mono":
        channels[:] = channels.sum(axis=0)
    return channels


def line_noise(random: np.random.Generator, length: int) -> Samples:
    """White noise through a one-pole low pass: hiss that falls off towards high frequencies, as on a line."""
    spectrum = np.fft.rfft(random.standard_normal(length))
    spectrum /= np.sqrt(1 + (np.fft.rfftfreq(length, 1 / RATE_HZ) / 1000) ** 2)
    noise = np.fft.irfft(spectrum, length)
    scaled: Samples = (noise * (10 ** (NOISE_DBFS / 20) / noise.std())).astype(np.float32)
    return scaled


def write_audio(path: Path, channels: Samples, encoding: str) -> None:
    """Writes `channels` in the format the suffix names, at 16 kHz; mu-law (ITU-T G.711) at 8 kHz."""
    codec, rate, sample_format, options = CODECS["mulaw_8k" if encoding == "mulaw_8k" else path.suffix]
    wanted = channels.T if rate == RATE_HZ else soxr.resample(channels.T, RATE_HZ, rate, quality="VHQ")
    integers = np.clip(np.round(wanted * 32767), -32768, 32767).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(integers.reshape(1, -1)), "s16", "stereo")
    frame.sample_rate = rate
    container: Any
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo", options={"flags": "+bitexact", **options})
        stream.format = sample_format
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)


def write_truth(story: Mapping[str, Any], turns: Sequence[Turn], roles: Sequence[str], duration_s: float) -> None:
    dual_mono = story.get("encoding") == "dual_mono"
    truth = {
        "file_name": story["file"],
        "duration_s": round(duration_s, 3),
        "language": "en",
        "channel_roles": ["unknown", "unknown"] if dual_mono else list(roles),
        "dual_mono": dual_mono,
        "overtalk": any(later.start_s < earlier.end_s for earlier, later in itertools.pairwise(turns)),
        "voices": story["voices"],
        "labels": story["labels"],
        "turns": [
            {
                "channel": roles.index(turn.role),
                "role": turn.role,
                "start_s": round(turn.start_s, 3),
                "end_s": round(turn.end_s, 3),
                "text": turn.text,
            }
            for turn in turns
        ],
    }
    path = HERE / "truth" / f"{Path(story['file']).stem}.json"
    path.write_text(json.dumps(truth, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_sidecar(stories: Sequence[Mapping[str, Any]]) -> None:
    """`calls.csv`: metadata of the calls whose file names say nothing."""
    rows = [{"file_name": story["file"], **story["sidecar"]} for story in stories if "sidecar" in story]
    with (HERE / "calls" / "calls.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
