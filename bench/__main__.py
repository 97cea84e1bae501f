"""Every benchmark, one after the other, each in a process of its own: `make bench`.

    python -m bench [--only decode,voice_activity] [--quick] [--data ../shared/data] [--output output]

Each prints JSON as its last line; `<output>/bench.json` keeps all of them, and the machine they were measured on.
Benchmarks that need the reference recordings are skipped where those are absent, and a line says so.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.options import PROJECT, options_of


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A module of this folder, with its arguments for a full and for a quick run."""

    module: str
    full: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    needs_data: bool = False


BENCHMARKS = (
    Benchmark("buckets", quick=("--objects", "5000")),
    Benchmark("decode", ("--repeats", "5"), ("--repeats", "2", "--hours", "0.5"), needs_data=True),
    Benchmark("voice_activity", ("--repeats", "5"), ("--repeats", "2"), needs_data=True),
    Benchmark("database", (), ("--calls", "40", "--rounds", "3")),
    Benchmark("exports", (), ("--calls", "500")),
    Benchmark("claims", (), ("--connections", "1,10", "--at-once", "4", "--seconds", "1", "--jobs", "5000")),
    Benchmark("sentiment", (), ("--repeat", "3", "--part", "speed"), needs_data=True),
    Benchmark("topics", (), (), needs_data=True),
    Benchmark("questions", (), ("--half", "developed"), needs_data=True),
    Benchmark("redaction", needs_data=True),
    Benchmark("summaries", (), ("--limit", "200"), needs_data=True),
    Benchmark("llm", (), ("--calls", "16", "--rounds", "1", "--valid-calls", "20")),
    Benchmark("choosing", (), ("--sets", "harper_valley", "--limit", "2"), needs_data=True),
    Benchmark("recogniser", (), ("--shape", "small", "--no-reference")),
    Benchmark("overheard", (), ("--model", "tiny.en", "--kinds", "echo 6")),
    Benchmark("talk", (), ("--model", "tiny.en"), needs_data=True),
    Benchmark("voices", needs_data=True),
    Benchmark("words", (), ("--models", "tiny.en", "--sets", "samples"), needs_data=True),
    Benchmark("mono_roles", needs_data=True),
    Benchmark("live", (), ("--calls", "1,4", "--seconds", "20", "--recognisers", "sleeping")),
    Benchmark("ray_workers", (), ("--calls", "30")),
    Benchmark("api", (), ("--calls", "2000", "--reads", "50")),
    Benchmark(
        "service_load",
        (),
        ("--submissions", "50", "--slow", "10", "--cut", "4", "--sockets", "20", "--kills", "1"),
    ),
    Benchmark("encryption", (), ("--minutes", "2", "--repeats", "2")),
    Benchmark("whole_run", (), ("--minutes", "10", "--part", "speed")),
)


def machine() -> dict[str, Any]:
    """The machine the figures were measured on."""
    return {
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_before": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def run(benchmark: Benchmark, quick: bool, data: Path) -> list[dict[str, Any]]:
    """Run it, pass its output on, and return the JSON lines it printed."""
    arguments = [sys.executable, "-m", f"bench.{benchmark.module}", *(benchmark.quick if quick else benchmark.full)]
    if benchmark.needs_data:
        arguments += ["--data", str(data)]
    print(f"\n== {' '.join(arguments[2:])}", flush=True)
    done = subprocess.run(arguments, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, flush=True)
    if done.returncode != 0:
        return [{"error": f"exit {done.returncode}"}]
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return [json.loads(line) for line in lines]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--only", default="", help="names, comma-separated")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--output", type=Path, default=PROJECT / "output")
    chosen = parser.parse_args(arguments)
    only = {name for name in chosen.only.split(",") if name}
    unknown = only - {benchmark.module for benchmark in BENCHMARKS}
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are: {', '.join(b.module for b in BENCHMARKS)}")
    figures: dict[str, Any] = {"machine": machine(), "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    for benchmark in BENCHMARKS:
        if only and benchmark.module not in only:
            continue
        if benchmark.needs_data and not chosen.data.is_dir():
            print(f"\n== {benchmark.module}: left out, {chosen.data} is not there (--data DIR)")
            continue
        figures[benchmark.module] = run(benchmark, chosen.quick, chosen.data.resolve())
    chosen.output.mkdir(parents=True, exist_ok=True)
    path = chosen.output / "bench.json"
    path.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    failed = [name for name, lines in figures.items() if isinstance(lines, list) and any("error" in x for x in lines)]
    print(f"\n{path}" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
