"""The whole job without the recogniser and the LLM: speed, shares, idle time, growth, planning.

    python -m bench.whole_run [--minutes 60] [--part speed|idle|growth|planning|all]

- speed: the sample calls over and over, with `scripted` as the recogniser; x real time per core and the share of each
  stage, against decoding the same files with plain PyAV in the same run. The database server is told apart.
- idle: a recogniser that sleeps as long as a real one works (real-time factor 0.05); the share of the time between its
  first and its last segment in which it has nothing to do.
- growth: 10,000 tiny calls in one run; cost of the first tenth against the last.
- planning: 37,005 recordings, all done already; seconds, processor seconds (of the run, of the database server) and
  peak memory of a run that finds nothing to do.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from bench.materials.recordings import sample_speech, short_calls, write_wav
from bench.materials.testbed import Testbed, run_bed, server_cpu_s, with_children
from bench.options import options_of

CALLS = 37_005


def report_of(url: str) -> dict[str, Any]:
    """The performance report of the last run."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT report FROM runs ORDER BY started_at DESC LIMIT 1").fetchone()
    return dict(row[0]) if row else {}


def children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def checked_run(bed: Testbed, url: str, *settings: str) -> tuple[float, float]:
    """Wall and CPU seconds of a run that must succeed."""
    cpu_s, began = children_cpu_s(), time.perf_counter()
    bed.must_run(url, *settings)
    return time.perf_counter() - began, children_cpu_s() - cpu_s


def copies_of_samples(folder: Path, minutes: float) -> float:
    """Different copies of the sample calls (a rotated start, so that no two share a hash); seconds of call."""
    import av
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    speech = sample_speech()
    length_s = len(speech) / 16_000
    for index in range(max(1, round(minutes * 60 / length_s))):
        write_wav(folder / f"20260914-{index:06d}_inbound.wav", np.roll(speech, index * 997, axis=0))
    total = 0.0
    for path in folder.iterdir():
        with av.open(str(path)) as container:
            total += float(container.duration or 0) / 1e6
    return total


def plain_decode_s(folder: Path) -> float:
    """CPU seconds of decoding the same files with PyAV and nothing else."""
    import av

    began = time.process_time()
    for path in folder.iterdir():
        with av.open(str(path)) as container:
            for _ in container.decode(audio=0):
                pass
    return time.process_time() - began


def speed(minutes: float) -> dict[str, Any]:
    with run_bed("scripted") as bed:
        audio_s = copies_of_samples(bed.calls, minutes)
        bare_s = plain_decode_s(bed.calls)
        small = bed.fresh_database()
        server_s = server_cpu_s(bed.server)
        wall_s, cpu_s = checked_run(bed, small)
        server_s = server_cpu_s(bed.server) - server_s
        stages = report_of(small).get("stage_seconds", {})
        with psycopg.connect(small) as connection:
            timings = connection.execute(
                "SELECT key, sum(value::text::float) FROM calls, jsonb_each(timings_s) GROUP BY key ORDER BY 2 DESC"
            ).fetchall()
        return {
            "part": "speed", "audio_min": round(audio_s / 60, 1), "wall_s": round(wall_s, 1), "cpu_s": round(cpu_s, 1),
            "server_cpu_s": round(server_s, 1),
            "times_real_time_per_core": round(audio_s / cpu_s, 1), "times_real_time": round(audio_s / wall_s, 1),
            "plain_decode_cpu_s": round(bare_s, 2), "cpu_against_plain_decode": round(cpu_s / bare_s, 1),
            "stage_wall_s": stages, "call_seconds": {name: round(seconds, 1) for name, seconds in timings},
        }  # fmt: skip


def idle(minutes: float) -> dict[str, Any]:
    with run_bed("scripted") as bed:
        audio_s = copies_of_samples(bed.calls, minutes)
        url = bed.fresh_database()
        wall_s, _ = checked_run(bed, url, "transcription.scripted.sleep_per_audio_s=0.05")
        report = report_of(url)
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT sum(end_s - start_s) FROM chunks").fetchone()
        speech_s = float(row[0]) if row and row[0] else 0.0
        busy_s = float(report["recogniser_busy_s"])
        span_s = float(report.get("recogniser_span_s") or 0.0)
        return {
            "part": "idle", "audio_min": round(audio_s / 60, 1), "wall_s": round(wall_s, 1),
            "asleep_s": round(speech_s * 0.05, 1), "busy_s": busy_s, "span_s": span_s,
            "idle_share": round(1 - busy_s / span_s, 4) if span_s else None,
            "asleep_share_of_span": round(speech_s * 0.05 / span_s, 4) if span_s else None,
        }  # fmt: skip


def growth(calls: int = 10_000) -> dict[str, Any]:
    with run_bed("scripted") as bed:
        short_calls(bed.calls, calls, length_s=1.5)
        url = bed.fresh_database()
        # Shuffled: the calls are cut from one recording in order, and some stretches of it cost more than others.
        wall_s, cpu_s = checked_run(bed, url, "run.order=shuffle")
        with psycopg.connect(url) as connection:
            moments = [row[0] for row in connection.execute("SELECT processed_at FROM calls ORDER BY 1").fetchall()]
        tenth = len(moments) // 10
        first_s = (moments[2 * tenth] - moments[tenth]).total_seconds()
        last_s = (moments[-1] - moments[-1 - tenth]).total_seconds()
        return {
            "part": "growth", "calls": len(moments), "wall_s": round(wall_s, 1), "cpu_s": round(cpu_s, 1),
            "second_tenth_s": round(first_s, 2), "last_tenth_s": round(last_s, 2),
            "growth": round(last_s / first_s - 1, 3), "ms_per_call": round(1000 * wall_s / len(moments), 1),
        }  # fmt: skip


def planning(calls: int = CALLS) -> dict[str, Any]:
    """Fills the ledger from one finished call, by SQL: the benchmark measures the run that finds nothing to do."""
    with run_bed("scripted") as bed:
        short_calls(bed.calls, 1, length_s=3.0)
        url = bed.fresh_database()
        checked_run(bed, url)
        original = next(bed.calls.iterdir())
        for index in range(1, calls):
            copy = bed.calls / f"{original.stem}_{index:05d}.wav"
            copy.hardlink_to(original)
        _multiply_rows(url, original, calls)
        plan_s: list[float] = []
        cpu_s: list[tuple[float, float]] = []
        peaks: list[int] = []
        for _ in range(3):
            began, before_s, server_s = time.perf_counter(), children_cpu_s(), server_cpu_s(bed.server)
            with bed.start(url) as run:
                peaks.append(_peak_rss(run.pid, run.poll))
                code = run.wait()
            if code != 0:
                raise SystemExit(bed.log())
            plan_s.append(time.perf_counter() - began)
            cpu_s.append((children_cpu_s() - before_s, server_cpu_s(bed.server) - server_s))
        counts = report_of(url).get("counts", {})
        return {
            "part": "planning", "recordings": calls, "counts": counts, "seconds_median": round(sorted(plan_s)[1], 1),
            "seconds_all": [round(s, 1) for s in plan_s], "cpu_s": [round(s, 1) for s, _ in cpu_s],
            "server_cpu_s": [round(s, 1) for _, s in cpu_s],
            "peak_rss_mb": round(max(peaks) / 1e6),
        }  # fmt: skip


def _multiply_rows(url: str, original: Path, calls: int) -> None:
    with psycopg.connect(url) as connection:
        columns = [row[0] for row in connection.execute(
            """SELECT column_name FROM information_schema.columns WHERE table_name = 'calls' AND table_schema = 'public'
               AND is_generated = 'NEVER' AND column_name NOT IN ('call_id', 'source_uri', 'file_name')"""
        ).fetchall()]  # fmt: skip
        listed = ", ".join(columns)
        connection.execute(
            f"""INSERT INTO calls (call_id, source_uri, file_name, {listed})
                SELECT gen_random_uuid(),
                       replace(source_uri, %(old)s, %(stem)s || '_' || lpad(n::text, 5, '0') || '.wav'),
                       %(stem)s || '_' || lpad(n::text, 5, '0') || '.wav', {listed}
                FROM calls, generate_series(1, %(last)s) AS n""".encode(),
            {"old": original.name, "stem": original.stem, "last": calls - 1},
        )
        connection.execute(
            """INSERT INTO call_steps (call_id, step, fingerprint, state, attempts, reason, payload)
               SELECT c.call_id, s.step, s.fingerprint, s.state, s.attempts, s.reason, s.payload
               FROM calls c, call_steps s WHERE c.call_id <> s.call_id"""
        )
        connection.commit()


def _peak_rss(pid: int, poll: Callable[[], int | None]) -> int:
    """Peak of the resident memory of a run and its children together."""
    import psutil

    peak = 0
    while poll() is None:
        with suppress(psutil.Error):
            peak = max(peak, sum(process.memory_info().rss for process in with_children(pid)))
        time.sleep(0.1)
    return peak


def main(arguments: Sequence[str] | None = None) -> int:
    parser = options_of(__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="of calls, for speed and idle")
    parser.add_argument("--calls", type=int, default=10_000, help="for growth")
    parser.add_argument("--part", choices=["speed", "idle", "growth", "planning", "all"], default="all")
    chosen = parser.parse_args(arguments)
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "speed": lambda: speed(chosen.minutes),
        "idle": lambda: idle(chosen.minutes),
        "growth": lambda: growth(chosen.calls),
        "planning": planning,
    }
    for name, part in parts.items():
        if chosen.part in (name, "all"):
            print(json.dumps(part()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
