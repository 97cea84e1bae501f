"""Planning: how fast recordings are found, and what their headers cost.

    python -m bench.sources [--files 37005] [--repeats 5]

Makes that many small recordings in sub-folders of a temporary folder. Measures `discover` (names, sizes, times,
metadata of each file name; no header is opened) against a bare walk of the same folder (`os.walk`, one `stat` per
file), and probes the headers of the first 2,000. Memory is what all found calls take together.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
import tracemalloc
import wave
from collections.abc import Callable
from pathlib import Path

from pipeline.config.areas.sources import InputSettings
from pipeline.records import FoundCall
from pipeline.sources.probe import probe_header
from pipeline.sources.source import build_source

FOLDERS = 40
PROBED = 2_000
OLD_S = 1_700_000_000


def make_files(folder: Path, count: int) -> None:
    first = folder / "first.wav"
    with wave.open(str(first), "wb") as file:
        file.setparams((2, 2, 8_000, 0, "NONE", ""))
        file.writeframes(bytes(32_000))
    content = first.read_bytes()
    first.unlink()
    for place in range(count):
        below = folder / f"day-{place % FOLDERS:02}"
        below.mkdir(exist_ok=True)
        clock = f"{place // 3600 % 24:02}{place // 60 % 60:02}{place % 60:02}"
        path = below / f"20260914-{clock}_inbound_agent-{place % 99}_b2c_{place}.wav"
        path.write_bytes(content)
        os.utime(path, (OLD_S + place, OLD_S + place))


def bare_walk(folder: Path) -> int:
    return sum(os.stat(os.path.join(place, name)).st_size > 0 for place, _, names in os.walk(folder) for name in names)


def seconds(work: Callable[[], object], repeats: int) -> list[float]:
    taken = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=37_005)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--data", help="not needed; taken so that all benchmarks can be called alike")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_files(folder, given.files)
        source = build_source(InputSettings(path=name))
        walking = seconds(lambda: bare_walk(folder), given.repeats)
        finding = seconds(lambda: sum(1 for _ in source.discover()), given.repeats)
        tracemalloc.start()
        found = [item for item in source.discover() if isinstance(item, FoundCall)]
        memory_mb = tracemalloc.get_traced_memory()[0] / 1e6
        tracemalloc.stop()
        assert len(found) == given.files
        paths = sorted(folder.rglob("*.wav"))[:PROBED]
        probing = seconds(lambda: [probe_header(path) for path in paths], given.repeats)
    find_s, walk_s = statistics.median(finding), statistics.median(walking)
    result = {
        "files": given.files,
        "discover_s": round(find_s, 3),
        "discover_spread_s": round(max(finding) - min(finding), 3),
        "bare_walk_s": round(walk_s, 3),
        "ratio_to_bare_walk": round(find_s / walk_s, 2),
        "found_memory_mb": round(memory_mb, 1),
        "probe_headers_per_s": round(len(paths) / statistics.median(probing)),
    }
    print(f"{'':24}{'median':>10}{'spread':>10}")
    for title, taken in (("bare walk, s", walking), ("discover, s", finding), (f"{len(paths)} headers, s", probing)):
        print(f"{title:24}{statistics.median(taken):10.3f}{max(taken) - min(taken):10.3f}")
    print(f"{'found calls, MB':24}{memory_mb:10.1f}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
