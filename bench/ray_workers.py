"""Workers on Ray: what two do in the time of one, and whether the rows are those of a run without Ray.

    python -m bench.ray_workers [--recogniser sleeping,whisper] [--calls 60] [--sleep 0.2] [--workers 1,2]

One cluster of this machine, one processor and one thread for each worker, otherwise by the defaults. Efficiency is
calls a second with N workers over N times those with one, from the thirtieth of a hundred calls done on: to the
ninetieth, while all are at work, and to the last, where some may be idle. Starting Ray and loading models, which a
night's run does once, is told as `start_s`. The recogniser sleeps (`sleeping`) or is Whisper tiny.en on the processor
(`whisper`). Needs the extra `ray`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import psycopg

from bench.materials.recordings import short_calls
from bench.materials.testbed import Testbed, differences, run_bed
from bench.options import options_of
from bench.whole_run import checked_run

RECOGNISERS = {"sleeping": "scripted", "whisper": "faster_whisper"}
_ONE_CORE = (
    "run.decode_workers=1",
    "ray.cpus_per_worker=1",
    "ray.calls_per_worker=1",
    "transcription.faster_whisper.model=Systran/faster-whisper-tiny.en",
    "transcription.faster_whisper.revision=0d3d19a32d3338f10357c0889762bd8d64bbdeba",
    "transcription.faster_whisper.compute_type=int8",
    "transcription.faster_whisper.cpu_threads=1",
)


def calls_per_s(url: str) -> tuple[float, float, float]:
    """While all workers are at work; to the last call; and seconds from the run's begin to its first call done."""
    with psycopg.connect(url) as connection:
        done = [row[0] for row in connection.execute("SELECT processed_at FROM calls ORDER BY 1").fetchall()]
        (began,) = connection.execute("SELECT max(started_at) FROM runs").fetchone() or (None,)
    first, late, last = 3 * len(done) // 10, len(done) - 1 - len(done) // 10, len(done) - 1
    at_work, to_end = ((end - first) / (done[end] - done[first]).total_seconds() for end in (late, last))
    return at_work, to_end, (done[0] - began).total_seconds()


def measure(bed: Testbed, numbers: Sequence[int], settings: Sequence[str]) -> dict[str, Any]:
    alone = bed.fresh_database()
    wall_s, _ = checked_run(bed, alone, *settings)
    figures: dict[str, Any] = {"local": {"calls_per_s": round(calls_per_s(alone)[0], 3), "wall_s": round(wall_s, 1)}}
    rates: dict[int, tuple[float, float]] = {}
    for number in numbers:
        url = bed.fresh_database()
        wall_s, cpu_s = checked_run(bed, url, *settings, "run.executor=ray", f"ray.workers={number}")
        at_work, to_end, start_s = calls_per_s(url)
        rates[number] = (at_work, to_end)
        unlike = differences(bed.rows(url), bed.rows(alone))
        print("\n".join(unlike), file=sys.stderr)
        figures[f"workers_{number}"] = {
            "calls_per_s": round(at_work, 3),
            "efficiency": round(at_work / (number * rates[numbers[0]][0] / numbers[0]), 3),
            "calls_per_s_to_end": round(to_end, 3),
            "efficiency_to_end": round(to_end / (number * rates[numbers[0]][1] / numbers[0]), 3),
            "start_s": round(start_s, 1),
            "wall_s": round(wall_s, 1),
            "cpu_s": round(cpu_s, 1),
            "tables_unlike_local": len(unlike),
        }
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    parser = options_of(__doc__)
    parser.add_argument("--recogniser", default="sleeping")
    parser.add_argument("--calls", type=int, default=60)
    parser.add_argument("--sleep", type=float, default=0.2, help="seconds asleep for each second of speech")
    parser.add_argument("--workers", default="1,2")
    chosen = parser.parse_args(arguments)
    os.environ["OMP_NUM_THREADS"] = "1"
    numbers = [int(number) for number in chosen.workers.split(",")]
    for name in chosen.recogniser.split(","):
        with run_bed(RECOGNISERS[name]) as bed:
            short_calls(bed.calls, chosen.calls, length_s=6.0)
            asleep = f"transcription.scripted.sleep_per_audio_s={chosen.sleep}"
            figures = measure(bed, numbers, (*_ONE_CORE, asleep))
            machine = {"cores": os.cpu_count(), "load_after": round(os.getloadavg()[0], 1)}
            print(json.dumps({"recogniser": name, "calls": chosen.calls, **machine, **figures}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
