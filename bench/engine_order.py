"""The reason for the default order of recognisers on a Linux CPU: their speed at their real shapes.

    python -m bench.engine_order           about six minutes on two quiet cores, 6 GB

Whisper small (`faster_whisper`, int8, the default model) and Qwen3-ASR 0.6B (`mlx_qwen3`, float32) run over the same
audio at three tokens per second, with seeded random weights: speed does not depend on their values. Qwen3-ASR runs
twice: with OpenBLAS preloaded, and over less audio on the reference BLAS of MLX's wheel. Each runs in a process of its
own. Accuracy is not measured: the benchmark fetches no weights.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.options import options_of
from bench.recogniser import OPENBLAS, TOKENS_PER_S, noise_bursts

SEGMENTS, LENGTH_S = 8, 20.0
SLOW_SEGMENTS = 2
SIDES = ("faster_whisper", "openblas", "reference")


def audio(segments: int) -> list[npt.NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    return [noise_bursts(rng, LENGTH_S) for _ in range(segments)]


def whisper_s(repeats: int) -> list[float]:
    """Seconds for all segments in one batch, through the engine; greedy, like the other side."""
    from bench.materials.tiny_whisper import SMALL, build_tiny_whisper
    from pipeline.config.areas.speech.recognisers import FasterWhisperOptions
    from pipeline.transcription.engine import SegmentRequest
    from pipeline.transcription.engines.faster_whisper import FasterWhisperTranscriber
    from pipeline.weights.hub import Hub

    wanted = round(TOKENS_PER_S * LENGTH_S)
    with tempfile.TemporaryDirectory() as folder:
        model = build_tiny_whisper(Path(folder), shape=SMALL)
        options = FasterWhisperOptions(
            model=str(model), batch_size=SEGMENTS, beam_size=1, max_new_tokens=wanted, no_speech_threshold=1.0
        )
        engine = FasterWhisperTranscriber(options, Hub(allow_download=False, timeout_s=1.0))
        engine.load()
    requests = [SegmentRequest(key=str(i), samples=samples, language="en") for i, samples in enumerate(audio(SEGMENTS))]
    list(engine.transcribe(requests[:1]))
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        results = list(engine.transcribe(requests))
        seconds.append(time.perf_counter() - began)
        cut = [result for result in results if "decode_truncated" in result.flags]
        assert len(cut) == SEGMENTS, "every segment must be decoded to the token limit"
    return seconds


def qwen3_s(segments: int, repeats: int) -> list[float]:
    from bench.recogniser import Batched, prepare

    with tempfile.TemporaryDirectory() as folder:
        bench = prepare("0.6b", "float32", Path(folder), audio(segments))
        engine = Batched(bench, batch_size=16, max_memory_gb=8.0)
        return [float(engine.run(bench.audio)["total_s"]) for _ in range(repeats)]


def side(name: str, repeats: int) -> dict[str, Any]:
    segments = SLOW_SEGMENTS if name == "reference" else SEGMENTS
    seconds = whisper_s(repeats) if name == "faster_whisper" else qwen3_s(segments, repeats)
    rtf = [duration_s / (segments * LENGTH_S) for duration_s in seconds]
    return {
        "side": name,
        "segments": segments,
        "rtf": round(statistics.median(rtf), 3),
        "all": [round(r, 3) for r in rtf],
    }


def in_a_process(name: str, repeats: int, library: str | None) -> dict[str, Any]:
    environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    if name == "openblas" and library is not None:
        environment["LD_PRELOAD"] = library
    command = [sys.executable, "-m", "bench.engine_order", "--side", name, "--repeats", str(repeats)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = options_of(__doc__)
    parser.add_argument("--side", choices=SIDES, help="this one alone, in this process")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each; the reference BLAS runs once")
    chosen = parser.parse_args(arguments)
    if chosen.side:
        print(json.dumps(side(chosen.side, chosen.repeats)))
        return 0
    library = next((path for path in OPENBLAS if Path(path).exists()), None)
    found = []
    for name in SIDES:
        if name == "openblas" and library is None:
            print("openblas: not installed here (libopenblas0-pthread)", file=sys.stderr)
            continue
        found.append(in_a_process(name, 1 if name == "reference" else chosen.repeats, library))
        print(f"{name:15s} RTF {found[-1]['rtf']:8.3f}   {found[-1]['all']}", file=sys.stderr, flush=True)
    print(json.dumps({"bench": "engine_order", "sides": found}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
