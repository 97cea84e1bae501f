"""Speaks the calls of `bench/labels/listened.yaml` that are to be listened to; keeps what our own run hears of them.

    python -m bench.listened FOLDER

Needs Debian's espeak-ng. Two of its voices speak on two channels (8 kHz mu-law). In every second pair of calls the
marks between a turn's sentences are left out, so that the voice runs on, as people do. FOLDER keeps the recordings and
what the run writes; the recogniser is that of `config.yaml`. `bench/labels/heard_words.jsonl` has, for each of these
calls and of the eight samples, its chunks with their timed words.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import wave
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import yaml

from bench.materials.reference_calls import HEARD_WORDS, LISTENED, name_of
from bench.options import options_of
from samples.make_samples import GAP_S, LEAD_S, RATE_HZ, SPEECH_DBFS, Samples, Turn, mix, to_level, write_audio

SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "calls"

VOICES: Mapping[str, tuple[str, ...]] = {
    "agent": ("-v", "en-gb", "-s", "155", "-g", "1"),
    "client": ("-v", "en-us+f3", "-s", "150", "-g", "1"),
}


def speak(text: str, role: str) -> Samples:
    """Mono float32 at RATE_HZ, without the silence at both ends."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "turn.wav"
        subprocess.run(["espeak-ng", *VOICES[role], "-w", str(path), text], check=True, capture_output=True)
        with wave.open(str(path)) as file:
            rate, raw = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    spoken: Samples = soxr.resample((raw / 32768).astype(np.float32), rate, RATE_HZ).astype(np.float32)
    loud = np.flatnonzero(np.abs(spoken) > 0.01)
    return to_level(spoken[max(0, loud[0] - RATE_HZ // 50) : loud[-1] + RATE_HZ // 50], SPEECH_DBFS[role])


def record(call: Mapping[str, Any], path: Path) -> None:
    """Writes the call as people would hear it: client on the first channel, agent on the second."""
    random = np.random.default_rng(zlib.crc32(path.name.encode()))
    turns: list[Turn] = []
    clock = LEAD_S
    for role, text in call["turns"]:
        runs_on = call["number"] // 4 % 2 == 0
        said = re.sub(r"[.,](?= )", "", text) if runs_on else text
        turns.append(Turn(role, said, clock, speak(said, role)))
        clock = turns[-1].end_s + float(random.uniform(*GAP_S))
    write_audio(path, mix(turns, ("client", "agent"), {"file": path.name}), "mulaw_8k")


def heard(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The chunks of a transcript file (format `json`); words as text, start and end in seconds."""
    return [
        {
            **{key: chunk[key] for key in ("channel", "role", "start_s", "end_s", "text")},
            "words": [
                [word["text"], round(word["start_s"], 3), round(word["end_s"], 3)]
                for line in chunk["lines"]
                for word in line["words"] or ()
            ],
        }
        for chunk in document["segments"]
    ]


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    recordings, output = folder / "calls", folder / "output"
    recordings.mkdir(parents=True, exist_ok=True)
    names = [name_of(call) for call in yaml.safe_load(LISTENED.read_text(encoding="utf-8")) if call.get("listened")]
    for call in yaml.safe_load(LISTENED.read_text(encoding="utf-8")):
        if call.get("listened"):
            record(call, recordings / f"{name_of(call)}.wav")
    settings = ("--set", "output.transcripts.formats=[json]", "--set", "run.order=oldest")
    for calls in (recordings, SAMPLES):
        command = (sys.executable, "run.py", str(calls), "--save-mode", "csv", "--output", str(output), *settings)
        subprocess.run(command, check=True)
    names += [path.stem for path in sorted(SAMPLES.iterdir()) if path.suffix != ".csv"]
    with HEARD_WORDS.open("w", encoding="utf-8") as file:
        for name in names:
            found = next(output.rglob(f"{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}-*.json"))
            row = {"name": name, "chunks": heard(json.loads(found.read_text(encoding="utf-8")))}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
